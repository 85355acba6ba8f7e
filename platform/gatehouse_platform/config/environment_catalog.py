"""The services of one environment: the catalog's, and those that left it and are still released there.

A service is removed from the catalog by a merge, and from each environment by a promotion. Until then its resources are
made from its service.toml as it was at its release's commit. The deployment lays that file out
(`removed/<environment>/<service>/service.toml`); in a checkout it is read from git.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from gatehouse_catalog import Catalog, Service, load_catalog
from gatehouse_catalog.errors import CatalogError, Problem, nearest
from gatehouse_catalog.load import load_service
from gatehouse_platform.config.stack_config import read_config, releases_of

COMMIT = re.compile(r"^[0-9a-f]{7,64}$")


def environment_catalog(root: Path, environment: str, releases: Mapping[str, Any] | None) -> Catalog:
    """`releases` as the stack file has them, by service.

    Raises CatalogError where a release names what is no service, and no commit that this checkout knows has its file.
    """
    catalog = load_catalog(root)
    removed = [
        _removed(root, environment, name, release, catalog.names)
        for name, release in (releases or {}).items()
        if name not in catalog
    ]
    if not removed:
        return catalog
    # A service that takes the place of a former one (it was renamed, or has its port) comes when that one goes.
    kept = [one for one in catalog if one.name in (releases or {}) or not any(_clash(one, other) for other in removed)]
    return Catalog(_with_known_uses([*kept, *removed]))


def lay_out_removed(git_root: Path, folder: Path) -> None:
    """Writes below `folder`, which has a revision's files but not its history, the files of removed services."""
    for file in sorted((folder / "stacks").glob("Pulumi.*.yaml")):
        environment = file.name.split(".")[1]
        for name, release in releases_of(read_config(folder, environment)).items():
            commit = str(release.get("commit", "")) if isinstance(release, Mapping) else ""
            place = f"{commit}:services/{name}/service.toml"
            if (folder / "services" / name).is_dir() or not COMMIT.match(commit):
                continue
            if (text := _at_commit(git_root, place)) is not None:
                target = folder / "removed" / environment / name / "service.toml"
                target.parent.mkdir(parents=True)
                target.write_bytes(text)


def _clash(one: Service, other: Service) -> bool:
    schemas = {entry.database.schema for entry in (one, other) if entry.database}
    shares_schema = one.database is not None and other.database is not None and len(schemas) == 1
    return one.path == other.path or one.port == other.port or shares_schema


def _with_known_uses(services: list[Service]) -> Iterable[Service]:
    """A removed service may use another one that is gone, and one of the catalog may use one that hasn't come yet."""
    names = {"*", *(service.name for service in services)}
    for service in services:
        used = [name for name in service.uses.services if name in names]
        yield msgspec.structs.replace(service, uses=msgspec.structs.replace(service.uses, services=used))


def _removed(root: Path, environment: str, name: str, release: Any, known: Iterable[str]) -> Service:
    laid_out = root / "removed" / environment / name
    if (laid_out / "service.toml").is_file():
        return load_service(laid_out)
    commit = str(release.get("commit", "")) if isinstance(release, Mapping) else ""
    text = _at_commit(root, f"{commit}:services/{name}/service.toml") if COMMIT.match(commit) else None
    if text is None:
        key = f"config.gatehouse:releases.{name}"
        message = "is no service, and its release's commit isn't known here."
        fix = f"{nearest(name, known)} If it left the catalog: git fetch --unshallow origin main"
        raise CatalogError([Problem(file=f"stacks/Pulumi.{environment}.yaml", key=key, message=message, fix=fix)])
    with tempfile.TemporaryDirectory(prefix="gate-removed-") as folder:
        (place := Path(folder, name)).mkdir()
        (place / "service.toml").write_bytes(text)
        return load_service(place)


def _at_commit(root: Path, place: str) -> bytes | None:
    command = ["git", "-c", "safe.directory=*", "cat-file", "blob", place]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=False)  # noqa: S603 - git's own command
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
