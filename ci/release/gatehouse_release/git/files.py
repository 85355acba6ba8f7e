"""What the ports read of the repository's own files: at a revision, or of a tree of texts that somebody read already.

Checking what stands in them is the platform's and the catalog's business.
"""

import io
import subprocess
import tarfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from gatehouse_release.git.checkout import Checkout
from gatehouse_release.git.repository import HEAD, GitRepository
from gatehouse_release.ports import PortFailed

Tree = Mapping[str, str]


class Main(Protocol):
    """The part of the repository port that looks: the head of main as the remote has it now, and its texts."""

    def read(self) -> tuple[str, Tree]: ...


def fetch(checkout: Checkout, revision: str, main: Main) -> None:
    """Sees to it that a checkout has a revision of main. Raises GitError.

    The repository port has it in its own clone, so that a checkout in a workflow needs no credentials of its own.
    """
    if checkout.commit(revision) is None:
        clone = (str(main.work), HEAD) if isinstance(main, GitRepository) else ("origin", "main")
        checkout.git("fetch", "--quiet", "--no-tags", *clone)


def stack_path(environment: str) -> str:
    return f"stacks/Pulumi.{environment}.yaml"


def stack_config(where: Path | Tree, environment: str) -> dict[str, Any]:
    """`config:` of an environment's stack file, key by key as it stands there; empty when there is no such file.

    Raises PortFailed when it isn't YAML.
    """
    path = stack_path(environment)
    text = _text(where, path)
    try:
        read = YAML(typ="safe").load(io.StringIO(text)) if text is not None else {}
    except YAMLError as error:
        raise PortFailed(f"{path} can't be read: {error}") from error
    return dict((read or {}).get("config") or {})


def group_of(where: Path | Tree, environment: str, service: str) -> tuple[str, tuple[str, ...]]:
    """(the ECS service in which a service runs, all services of it), as `gatehouse:groups` of the stack file says."""
    groups = stack_config(where, environment).get("gatehouse:groups") or {}
    for name, choice in groups.items():
        members = tuple(str(each) for each in choice.get("services", ()))
        if service in members:
            return str(name), members
    return service, (service,)


def members_of(where: Path | Tree, environment: str, group: str) -> tuple[str, ...]:
    """The services that run in an ECS service; the one of its name where no group has it."""
    groups = stack_config(where, environment).get("gatehouse:groups") or {}
    return tuple(str(each) for each in groups[group].get("services", ())) if group in groups else (group,)


def service_toml(where: Path | Tree, service: str) -> dict[str, Any]:
    """A service's own service.toml; empty when there is none. Raises PortFailed when it isn't TOML."""
    path = f"services/{service}/service.toml"
    try:
        return tomllib.loads(_text(where, path) or "")
    except tomllib.TOMLDecodeError as error:
        raise PortFailed(f"{path} can't be read: {error}") from error


def _text(where: Path | Tree, path: str) -> str | None:
    if isinstance(where, Path):
        file = where / path
        return file.read_text(encoding="utf-8") if file.is_file() else None
    return where.get(path)


def tree_at(checkout: Checkout, revision: str) -> dict[str, str]:
    """Path -> text of what promotion reads: all below stacks/, and each service.toml. Raises PortFailed."""
    with tarfile.open(fileobj=io.BytesIO(archived(checkout, revision, "stacks", "services"))) as archive:
        members = [one for one in archive if one.isfile() and _is_read(one.name)]
        contents = ((one.name, archive.extractfile(one)) for one in members)
        return {name: content.read().decode() for name, content in contents if content is not None}


def _is_read(path: str) -> bool:
    return path.startswith("stacks/") or (path.count("/") == 2 and path.endswith("/service.toml"))


def archived(checkout: Checkout, revision: str, *paths: str) -> bytes:
    """All files at a revision (or those below paths), as a tar. Raises PortFailed."""
    command = ["git", "-c", "safe.directory=*", "archive", "--format=tar", revision, *paths]
    done = subprocess.run(command, cwd=checkout.root, capture_output=True, check=False)  # noqa: S603 - git's
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise PortFailed(f"{revision[:12]} can't be read here: {said}. Fix: git fetch (a workflow: fetch-depth 0)")
    return done.stdout


def lay_out(content: bytes, folder: Path) -> None:
    """Unpacks what `archived` gave: folders and files below `folder`; links and all else are left out."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        # Python has filters from 3.11.4 on; the members are checked for those before.
        filtered: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder, members=_below(archive), **filtered)  # noqa: S202


def _below(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for member in archive:
        path = PurePosixPath(member.name)
        if (member.isfile() or member.isdir()) and not path.is_absolute() and ".." not in path.parts:
            yield member
