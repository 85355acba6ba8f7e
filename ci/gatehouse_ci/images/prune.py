"""Images that nobody runs and nobody can return to: found by the records, deleted at GitHub's registry.

What any stack file or record of any environment names is kept, for good: a promotion, a rollback to any verified set,
and what is put back when a promotion fails. So are the images of each architecture inside a kept index, and whatever
is younger than a build and its promotion may take. The rest was built and never released (https://docs.github.com/rest/packages/packages).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import httpx
import msgspec

from gatehouse_catalog.releases import Release
from gatehouse_release.adapters.registry import OciRegistry
from gatehouse_release.ports import PortFailed
from gatehouse_release.state import RepositoryState

VERSION, PAGE, TIMEOUT_SECONDS = "2022-11-28", 100, 20.0


class CantPrune(Exception):
    """What may be needed isn't known, so nothing is deleted."""


class ImageVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a package, as GitHub lists it: `digest` of an index or of one architecture's image."""

    id: int
    digest: str
    made_at: datetime
    tags: tuple[str, ...] = ()


def needed(state: RepositoryState) -> dict[str, set[str]]:
    """Image -> the digests that main or a record names. Raises CantPrune when one of these files can't be read."""
    if state.unreadable:
        problems = "; ".join(str(problem) for found in state.unreadable.values() for problem in found)
        raise CantPrune(f"What the records need isn't known: {problems}")
    found: dict[str, set[str]] = {}
    for service, release in _releases(state):
        found.setdefault(service, set()).add(release.digest)
        if release.database_digest:
            found.setdefault(f"{service}-database", set()).add(release.database_digest)
    for service, entry in state.services.items():
        found.setdefault(service, set())
        if entry.has_database:
            found.setdefault(f"{service}-database", set())
    return found


def _releases(state: RepositoryState) -> Iterator[tuple[str, Release]]:
    for releases in state.releases.values():
        yield from releases.items()
    for record in state.records.values():
        for service, change in record.services.items():
            yield from ((service, one) for one in (change.before, change.after) if one)
        if record.seen:
            yield from record.seen.releases.items()


def unneeded(
    versions: Iterable[ImageVersion], kept: Iterable[str], now: datetime, *, younger_than: timedelta
) -> list[ImageVersion]:
    """The versions to delete: none that is kept, or younger than that."""
    stays = set(kept)
    return [one for one in versions if one.digest not in stays and now - one.made_at >= younger_than]


def with_parts(registry: OciRegistry, image: str, digests: Iterable[str]) -> set[str]:
    """The digests, and those of each architecture's image inside; one that is gone already has none."""
    found = set(digests)
    for digest in sorted(found):
        if registry.digest(image, digest):
            found |= {one.digest for one in registry.manifest(image, digest).manifests}
    return found


class Packages:
    """The container packages of one repository's owner at GitHub. Every method raises PortFailed when it refuses."""

    def __init__(self, repository: str, token: str, api: str) -> None:
        self._owner, _, self._name = repository.lower().partition("/")
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": VERSION,
        }
        self._http = httpx.Client(base_url=api.rstrip("/"), headers=headers, timeout=TIMEOUT_SECONDS)

    def versions(self, image: str) -> list[ImageVersion]:
        """All versions of an image; none where there is no such package."""
        found: list[ImageVersion] = []
        while True:
            query = {"per_page": str(PAGE), "page": str(len(found) // PAGE + 1)}
            answer = self._ask("GET", self._path(image), query)
            page = [] if answer.status_code == httpx.codes.NOT_FOUND else answer.json()
            found += [
                ImageVersion(
                    id=one["id"],
                    digest=one["name"],
                    made_at=datetime.fromisoformat(one["created_at"].replace("Z", "+00:00")),
                    tags=tuple(one.get("metadata", {}).get("container", {}).get("tags", ())),
                )
                for one in page
            ]
            if len(page) < PAGE:
                return found

    def delete(self, image: str, version: ImageVersion) -> None:
        self._ask("DELETE", f"{self._path(image)}/{version.id}", {})

    def _path(self, image: str) -> str:
        return f"/orgs/{self._owner}/packages/container/{self._name}%2F{image}/versions"

    def _ask(self, method: str, path: str, query: Mapping[str, str]) -> httpx.Response:
        try:
            answer = self._http.request(method, path, params=query)
        except httpx.HTTPError as error:
            raise PortFailed(f"GitHub's packages can't be asked: {error}. Try again: nothing is half done.") from error
        if answer.is_error and answer.status_code != httpx.codes.NOT_FOUND:
            fix = "The token needs packages: write, and admin of the package (ci/README.md)."
            raise PortFailed(f"GitHub refuses {method} {path}: {answer.status_code} {answer.text[:200]}. {fix}")
        return answer


def prune(
    state: RepositoryState,
    registry: OciRegistry,
    packages: Packages,
    now: datetime,
    *,
    younger_than: timedelta,
    delete: bool,
    report: Callable[[str], None],
) -> int:
    """How many image versions were (or would be) deleted. All is worked out before the first one goes."""
    kept = {image: with_parts(registry, image, digests) for image, digests in sorted(needed(state).items())}
    going = {
        image: unneeded(packages.versions(image), digests, now, younger_than=younger_than)
        for image, digests in kept.items()
    }
    for image, versions in going.items():
        for version in versions:
            if delete:
                packages.delete(image, version)
            tags = f" ({', '.join(version.tags)})" if version.tags else ""
            report(f"{'deleted' if delete else 'would delete'} {image}@{version.digest}{tags}")
    return sum(map(len, going.values()))
