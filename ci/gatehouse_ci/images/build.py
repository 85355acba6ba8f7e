"""The images of a service, its own and its database's, which are built, released and promoted together.

Says which image is built from what, and builds it with Docker. Who may deploy it where is not decided here.
"""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gatehouse_catalog import Catalog, Service
from gatehouse_catalog.base_images import base_images
from gatehouse_ci.images.docker import Engine
from gatehouse_ci.images.sizes import above_base

LIMIT = 80_000_000  # bytes an image may have above the base, compressed: what a new task downloads
LOCAL = "gatehouse"  # where images stand that are for this machine: gatehouse/person
LOCAL_TAG = "local"
# What uv calls the platforms; manylinux_2_28 is what today's wheels are built for.
PACKAGES_FOR = {"linux/amd64": "x86_64-manylinux_2_28", "linux/arm64": "aarch64-manylinux_2_28"}
_REPOSITORY = re.compile(r"^(?:https://|ssh://git@|git@)([^/@:]+)[/:](.+?)(?:\.git)?$")


class Image(msgspec.Struct, frozen=True):
    """One image to build."""

    name: str  # person, person-database
    service: str
    recipe: str  # the Dockerfile, below the root


class ImageLabels(msgspec.Struct, frozen=True):
    """The labels of an image."""

    version: str
    revision: str
    created: str
    source: str


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """One image that was built: what `gate image build --json` prints, as a list."""

    name: str
    service: str
    reference: str
    id: str
    platform: str
    seconds: float
    above_base: int  # bytes, compressed
    revision: str
    digest: str = ""  # of what was pushed


class ImageTooLarge(Exception):
    """An image is larger than it may be."""


def base_of(root: Path) -> str:
    """The base image of all recipes, by its digest where one is pinned."""
    return next(one.reference for one in base_images(root) if one.name.startswith("python:"))


def images_of(catalog: Catalog, names: Iterable[str] = ()) -> tuple[Image, ...]:
    """The images of the named services (default: all). Raises CatalogError for an unknown name."""
    chosen = [catalog[name] for name in names] or list(catalog)
    return tuple(image for service in chosen for image in _images(service))


def _images(service: Service) -> tuple[Image, ...]:
    own = Image(service.name, service.name, "services/Dockerfile")
    if service.database is None:
        return (own,)
    return own, Image(f"{service.name}-database", service.name, "db-manager/Dockerfile")


def stamp(root: Path, version: str) -> ImageLabels:
    """The labels of images built from this checkout. The time is the commit's: building again changes nothing."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH") or _git(root, "log", "-1", "--format=%ct") or "0"
    return ImageLabels(
        version=version,
        revision=_git(root, "rev-parse", "HEAD") or "unknown",
        created=datetime.fromtimestamp(int(seconds), UTC).isoformat(timespec="seconds"),
        source=source(os.environ.get("GITHUB_SERVER_URL", ""), os.environ.get("GITHUB_REPOSITORY", ""))
        or source_of_remote(_git(root, "remote", "get-url", "origin")),
    )


def source(server: str, repository: str) -> str:
    return f"{server}/{repository}" if server and repository else ""


def source_of_remote(address: str) -> str:
    """Where people find the repository, from git's address of it; `unknown` for a folder."""
    found = _REPOSITORY.match(address)
    return f"https://{found[1]}/{found[2]}" if found else "unknown"


def build_words(
    image: Image, marks: ImageLabels, reference: str, *, base: str, platform: str, builder: str = ""
) -> list[str]:
    """The words after `docker build`."""
    given = {
        "PYTHON": base,
        "SERVICE": image.service,
        "VERSION": marks.version,
        "REVISION": marks.revision,
        "CREATED": marks.created,
        "SOURCE": marks.source,
        **({"BUILDER": builder, "FOR": PACKAGES_FOR[platform]} if builder else {}),
    }
    arguments = [word for key, value in given.items() for word in ("--build-arg", f"{key}={value}")]
    return ["--file", image.recipe, "--platform", platform, "--tag", reference, *arguments, "."]


def build(
    engine: Engine,
    root: Path,
    images: Iterable[Image],
    *,
    tag: str = LOCAL_TAG,
    base: str,
    platform: str = "",
    registry: str = "",
    builder: str = "",
    measure: bool = True,
    report: Callable[[str], None] = lambda _line: None,
) -> list[Built]:
    """Builds the images, one after the other (they share layers), and pushes them to `registry`, if one is given.

    `builder` is an image that runs here, to bring packages together for a `platform` that doesn't, without emulation.
    """
    marks = stamp(root, tag)
    wanted = platform or engine.platform()
    found: list[Built] = []
    for image in images:
        began = time.monotonic()
        reference = f"{registry or LOCAL}/{image.name}:{tag}"
        words = build_words(image, marks, reference, base=base, platform=wanted, builder=builder)
        engine.build(words, folder=root, why=f"The image {image.name} can't be built")
        seconds = time.monotonic() - began
        report(f"{image.name}: built in {seconds:.0f} s")
        found.append(
            Built(
                name=image.name,
                service=image.service,
                reference=reference,
                id=engine.ask("image", "inspect", "-f", "{{.Id}}", reference, why=f"There is no {reference}"),
                platform=wanted,
                seconds=round(seconds, 1),
                above_base=0,
                revision=marks.revision,
            )
        )
    if measure:
        sizes = above_base(engine, base, [one.reference for one in found])
        found = [msgspec.structs.replace(one, above_base=sizes[one.reference]) for one in found]
    return [_pushed(engine, one) for one in found] if registry else found


def _pushed(engine: Engine, built: Built) -> Built:
    repository = built.reference.rpartition(":")[0]
    engine.ask("push", "--quiet", built.reference, why=f"{built.reference} can't be pushed")
    said = engine.ask(
        "image", "inspect", "-f", '{{join .RepoDigests "\\n"}}', built.reference, why=f"There is no {built.reference}"
    )
    digests = dict(line.split("@", 1) for line in said.splitlines())
    return msgspec.structs.replace(built, digest=digests[repository])


def check_sizes(found: Iterable[Built], limit: int = LIMIT) -> None:
    """Raises ImageTooLarge when an image has more than `limit` bytes above the base."""
    large = [f"{one.name} ({one.above_base / 1e6:.1f} MB)" for one in found if one.above_base > limit]
    if large:
        raise ImageTooLarge(
            f"More than {limit / 1e6:.0f} MB above the base, compressed: {', '.join(large)}. See what is large in it: "
            "docker run --rm --entrypoint du IMAGE -sh /opt/gatehouse/lib/python3.13/site-packages"
        )


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout.strip() if done.returncode == 0 else ""
