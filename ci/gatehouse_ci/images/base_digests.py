"""The digests of base images, from the registry that has them, by the distribution specification's HTTP API.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md. Public images are asked for without credentials.
"""

from pathlib import Path

import click

from gatehouse_catalog.base_images import FILE, base_images, with_digests
from gatehouse_ci.images.build import PACKAGES_FOR
from gatehouse_release.adapters.registry import Credentials, OciRegistry, RegistryError

# As Docker reads names: without a host it is Docker's own, and without an owner it is `library`.
HUB, LIBRARY = "registry-1.docker.io", "library"


def address(name: str) -> tuple[str, str, str]:
    """(HOST/REPOSITORY, image, tag) of a name as Docker takes it. Raises RegistryError when it has no tag."""
    path, _, tag = name.rpartition(":")
    if not path or "/" in tag:
        raise RegistryError(f"{FILE}: {name} has no tag. Fix: write one, as in python:3.13-slim-trixie.")
    first, slash, rest = path.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host, repository = first, rest
    else:
        host, repository = HUB, path if slash else f"{LIBRARY}/{path}"
    owner, _, image = repository.rpartition("/")
    if not owner:
        raise RegistryError(f"{FILE}: {name} names no repository on {host}. Fix: write HOST/OWNER/IMAGE:TAG.")
    return f"{host}/{owner}", image, tag


def newest(name: str) -> str:
    """The digest of the index that a name's tag leads to now. Raises RegistryError when it isn't there, or isn't an
    index that has every architecture that we build for.
    """
    base, image, tag = address(name)
    with OciRegistry(base, credentials=Credentials()) as registry:
        digest = registry.digest(image, tag)
        if digest is None:
            raise RegistryError(f"There is no {name} at {base}. Fix: is the tag right in {FILE}?")
        missing = set(PACKAGES_FOR) - set(registry.platforms(image, digest))
    if missing:
        raise RegistryError(
            f"{name} is no index of every architecture: it lacks {', '.join(sorted(missing))}. A pin of it would build "
            "for one only."
        )
    return digest


def pin_all(root: Path, *, check: bool) -> bool:
    """Writes the newest digests, or, to check, only says which aren't; returns whether all were the newest already.

    Raises RegistryError; then nothing is written.
    """
    known = base_images(root)
    found = {one.name: newest(one.name) for one in known}
    for one in known:
        before = one.digest or "not pinned"
        same = one.digest == found[one.name]
        click.echo(f"{one.name}: {before if same else f'{before} -> {found[one.name]}'}")
    if not check:
        file = root / FILE
        file.write_text(with_digests(file.read_text(encoding="utf-8"), found), encoding="utf-8")
    return all(one.digest == found[one.name] for one in known)
