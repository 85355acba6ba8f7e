"""Joins the images built on each architecture's own machine into one image index, and describes the release.

`gate image build --tag TAG-amd64 --push REGISTRY` has pushed each architecture before; nothing is built here. An index
that lacks an architecture, or whose parts were built from different commits, is not written.
"""

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gatehouse_catalog import Catalog, Service
from gatehouse_catalog.releases import Release, UnitTests
from gatehouse_ci.images.build import images_of
from gatehouse_release.adapters.registry import INDEX, Descriptor, OciRegistry

ARCHITECTURES = ("amd64", "arm64")
REVISION, CREATED, VERSION = (f"org.opencontainers.image.{key}" for key in ("revision", "created", "version"))


class CantJoin(Exception):
    """The parts don't make one image; the message says which part and how to fix it."""


def part(tag: str, architecture: str) -> str:
    """The tag of one architecture's image: v1-amd64."""
    return f"{tag}-{architecture}"


def join(registry: OciRegistry, image: str, tag: str, architectures: Iterable[str] = ARCHITECTURES) -> str:
    """Puts `tag` on an index of the parts, and gives the index's digest. Doing it twice changes nothing."""
    tags = {architecture: part(tag, architecture) for architecture in architectures}
    parts = {architecture: _part(registry, image, its, architecture) for architecture, its in tags.items()}
    labels = [registry.annotations(image, its) for its in tags.values()]
    revisions = {one.get(REVISION, "none") for one in labels}
    if len(revisions) > 1:
        raise CantJoin(
            f"{registry.name(image)}: the parts of {tag} were built from different commits, "
            f"{' and '.join(sorted(revisions))}. Fix: build every part again."
        )
    common = {key: value for key, value in labels[0].items() if all(one.get(key) == value for one in labels[1:])}
    # The label says the part's own tag; the index is the tag itself.
    annotations = {key: value for key, value in sorted({**common, VERSION: tag}.items()) if key.startswith("org.")}
    manifests = [described for _, described in sorted(parts.items())]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests, "annotations": annotations}
    return registry.put(image, tag, json.dumps(index, sort_keys=True).encode(), INDEX)


def _part(registry: OciRegistry, image: str, tag: str, architecture: str) -> dict[str, Any]:
    """How an index names the image of one architecture, whether it was pushed as an index itself or not."""
    digest, content, top = registry.whole(image, tag)
    inside = [one for one in top.images if one.platform and one.platform.architecture == architecture]
    if top.manifests and len(inside) != 1:
        raise CantJoin(f"{registry.name(image)}:{tag} isn't an image for {architecture}. Fix: build it again.")
    if inside:
        one = inside[0]
    else:
        found = registry.config(image, digest)["architecture"]
        if found != architecture:
            raise CantJoin(f"{registry.name(image)}:{tag} is an image for {found}, not {architecture}.")
        one = Descriptor(media_type=top.media_type, digest=digest, size=len(content))
    platform = {"architecture": architecture, "os": "linux"}
    return {"mediaType": one.media_type, "digest": one.digest, "size": one.size, "platform": platform}


def release(
    root: Path, catalog: Catalog, service: Service, registry: OciRegistry, tag: str, unit_tests: UnitTests | None = None
) -> Release:
    """Joins the images of a service, which travel as one. Raises CantJoin or RegistryError, and then describes none."""
    digests = {image.name: join(registry, image.name, tag) for image in images_of(catalog, (service.name,))}
    told = registry.annotations(service.name, digests[service.name])
    if REVISION not in told or CREATED not in told:
        raise CantJoin(f"{registry.name(service.name)}:{tag} doesn't say what it was built from. Fix: build it again.")
    return Release(
        tag=tag,
        digest=digests[service.name],
        database_digest=digests.get(f"{service.name}-database"),
        commit=told[REVISION],
        built_at=told[CREATED],
        collections=collections(root, service),
        unit_tests=unit_tests,
    )


def collections(root: Path, service: Service) -> dict[str, str]:
    """The version of each collection that the service's database image brings."""
    if service.database is None:
        return {}
    from gatehouse_db_manager import load  # noqa: PLC0415 - psycopg is loaded when needed

    (schema,) = load(root, [service.database.schema]).schemas
    return {one.name: one.version_text for one in sorted(schema.collections, key=lambda one: one.name)}


def digest_of(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def checksums(subjects: Mapping[str, str]) -> str:
    """Names and digests as sha256sum writes them, which actions/attest reads: one attestation for all of them."""
    return "".join(f"{digest.removeprefix('sha256:')}  {name}\n" for name, digest in sorted(subjects.items()))


def sbom(root: Path, catalog: Catalog, service: Service) -> Mapping[str, str]:
    """By image: which packages of the lock file are inside, as CycloneDX. The base image isn't ours to list."""
    members = {service.name: f"gatehouse-{service.name}", f"{service.name}-database": "gatehouse-db-manager"}
    return {image.name: _sbom(root, members[image.name]) for image in images_of(catalog, (service.name,))}


def _sbom(root: Path, member: str) -> str:
    words = ["--frozen", "--no-dev", "--format", "cyclonedx1.5", "--preview-features", "sbom-export"]
    command = ["uv", "export", "--quiet", *words, "--package", member]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - uv
    if done.returncode:
        raise CantJoin(f"uv can't list the dependencies of {member}: {done.stderr.strip()}")
    return done.stdout
