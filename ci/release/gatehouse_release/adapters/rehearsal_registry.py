"""The rehearsal's image registry: a file. A digest stands for the files that an image is made from.

The same files give the same digest, whoever computes it: that is what proves an image here, where AWS has attestations.
"""

import hashlib
from collections.abc import Mapping

import msgspec

from gatehouse_catalog.structs import Strict
from gatehouse_release.adapters.rehearsal import Rehearsal, write_whole
from gatehouse_release.git.checkout import Checkout, GitError
from gatehouse_release.ports import PortFailed

REVISION = "org.opencontainers.image.revision"
# Beside what its own member and those it depends on hold: what every image is made by.
RECIPE = ("services/Dockerfile", "db-manager/Dockerfile", "uv.lock")


class BuiltImage(Strict, frozen=True, kw_only=True):
    """`commit`: built from; `folders`: what of that commit is in it."""

    commit: str
    folders: tuple[str, ...]


class RegistryFile(Strict, frozen=True, kw_only=True):
    """By image: each digest, and where its tags point."""

    images: dict[str, dict[str, BuiltImage]] = msgspec.field(default_factory=dict)
    tags: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)


class RehearsalRegistry:
    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal

    def digest(self, image: str, reference: str) -> str | None:
        content = self._read()
        digest = content.tags.get(image, {}).get(reference, reference)
        return digest if digest in content.images.get(image, {}) else None

    def tag(self, image: str, digest: str, tag: str) -> None:
        with self._rehearsal.alone("registry"):
            content = self._read()
            if digest not in content.images.get(image, {}):
                raise PortFailed(f"The rehearsal's registry doesn't have {image}@{digest}.")
            content.tags.setdefault(image, {})[tag] = digest
            self._write(content)

    def annotations(self, image: str, digest: str) -> Mapping[str, str]:
        built = self._read().images.get(image, {}).get(digest)
        return {REVISION: built.commit} if built else {}

    def unattested(self, image: str, digest: str) -> str:
        """Computes the digest again from the commit's files."""
        built = self._read().images.get(image, {}).get(digest)
        if built is None:
            return "the registry doesn't have it."
        again = content_digest(Checkout(self._rehearsal.remote), built.commit, built.folders)
        return "" if again == digest else f"the files of {built.commit[:12]} give {again}."

    def push(self, image: str, built: BuiltImage, tag: str) -> str:
        """Puts an image there, as a build does; its digest."""
        digest = content_digest(Checkout(self._rehearsal.remote), built.commit, built.folders)
        with self._rehearsal.alone("registry"):
            content = self._read()
            content.images.setdefault(image, {}).setdefault(digest, built)
            content.tags.setdefault(image, {})[tag] = digest
            self._write(content)
        return digest

    def _read(self) -> RegistryFile:
        try:
            return msgspec.json.decode(self._rehearsal.registry.read_bytes(), type=RegistryFile)
        except FileNotFoundError:
            return RegistryFile()

    def _write(self, content: RegistryFile) -> None:
        write_whole(self._rehearsal.registry, msgspec.json.encode(content))


def content_digest(checkout: Checkout, commit: str, folders: tuple[str, ...]) -> str:
    """A digest of paths and contents below these folders, without tests and documents. Raises PortFailed."""
    try:
        listed = checkout.git("ls-tree", "-r", "--format=%(objectname) %(path)", commit, "--", *folders, *RECIPE)
    except GitError as error:
        raise PortFailed(f"{commit[:12]} can't be read: {error}") from error
    lines = (line.split(" ", 1) for line in listed.splitlines())
    counted = sorted(f"{path} {content}" for content, path in lines if "/tests/" not in path and path[-3:] != ".md")
    return f"sha256:{hashlib.sha256(chr(10).join(counted).encode()).hexdigest()}"
