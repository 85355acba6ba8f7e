"""Releases where the portal has no git and no checkout, as in its image: main is read from GitHub, and the buttons lead
to the forms of the workflows there.

It asks for no token. A promotion begun with the portal's own token would be the portal's: GitHub would name one and
the same actor for whoever proposed and whoever approved. In the form GitHub itself knows who it is; the run shows the
preview, and another takes its fingerprint. So this reads public repositories only.
"""

import io
import tarfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import httpx

from gatehouse_chassis.base.tls import trusted_authorities
from gatehouse_release.change_set import ChangeSet
from gatehouse_release.model import Decision, PromotionRequest, Reason, Record, ReleaseNote, Requester
from gatehouse_release.ports import NotConfigured, PortFailed, Preview, Tree
from gatehouse_release.state import RepositoryState

API, ARCHIVES, PAGES = "https://api.github.com", "https://codeload.github.com", "https://github.com"
# Without a token GitHub answers 60 questions an hour to one address.
FRESH = 70.0
PATIENCE = 10.0
LARGEST = 50_000_000  # bytes of an archive
WORKFLOWS = {"test": "promote.yml", "staging": "promote.yml", "production": "go-live.yml"}
REFUSAL = (
    "Promotions are carried out by workflows on GitHub, which knows who you are: a run with an empty fingerprint shows "
    "the preview, and one with its fingerprint does just that. What is shown here is at most {seconds:.0f} s old."
)
FIX = "Fix: run the workflow on GitHub, with an empty fingerprint to see the preview."


class OnGitHub:
    """The repository OWNER/NAME. `client` is for tests."""

    fresh = FRESH
    local = None

    def __init__(self, repository: str, client: httpx.Client | None = None) -> None:
        self._repository = repository
        self._http = client or httpx.Client(timeout=PATIENCE, trust_env=False, verify=trusted_authorities())
        self._known: tuple[str, Tree] = ("", {})
        self.where = f"the branch main of {PAGES.removeprefix('https://')}/{repository}"
        self.refusal = REFUSAL.format(seconds=FRESH)
        self.forms: Mapping[str, str] = {
            environment: f"{PAGES}/{repository}/actions/workflows/{workflow}"
            for environment, workflow in WORKFLOWS.items()
        }

    def now(self) -> datetime:
        return datetime.now(UTC)

    def close(self) -> None:
        self._http.close()

    def read(self) -> tuple[str, Tree]:
        """Raises PortFailed when GitHub doesn't answer as it should."""
        headers = {"Accept": "application/vnd.github.sha"}
        revision = self._get(f"{API}/repos/{self._repository}/commits/main", headers).decode("ascii", "replace").strip()
        if revision != self._known[0]:
            archive = self._get(f"{ARCHIVES}/{self._repository}/tar.gz/{revision}", {})
            self._known = (revision, unpacked(archive))
        return self._known

    def _get(self, address: str, headers: Mapping[str, str]) -> bytes:
        try:
            with self._http.stream("GET", address, headers=dict(headers)) as response:
                content = b""
                for part in response.iter_bytes():
                    content += part
                    if len(content) > LARGEST:
                        raise PortFailed(f"{address} answers with more than {LARGEST} bytes.")
        except httpx.HTTPError as error:
            raise PortFailed(f"{address} doesn't answer ({type(error).__name__}). Try again in a moment.") from error
        if response.status_code != httpx.codes.OK:
            raise PortFailed(
                f"{address} answers {response.status_code}. 404: no public repository of that name; 403 and 429: asked "
                "too often, try again later."
            )
        return content

    def preview(self, state: RepositoryState, move: ChangeSet) -> Preview:
        raise NotConfigured("Previews are made where a checkout is.", FIX)

    def notes(self, state: RepositoryState, record: Record) -> tuple[ReleaseNote, ...]:
        """A workflow's checkout knows them: `gate promote notes`."""
        del state, record
        return ()

    def explain(self, request: PromotionRequest, actor: Requester) -> Decision:
        raise NotConfigured("Previews are made where a checkout is.", FIX)

    def run(self, request: PromotionRequest, actor: Requester, report: Callable[[str], None]) -> list[Reason]:
        raise NotConfigured("Nothing is promoted from here.", FIX)


def unpacked(archive: bytes) -> Tree:
    """The texts that promotion knows of, by their path below the archive's one folder. Nothing is written to a disk."""
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as packed:
            for entry in packed:
                path = entry.name.partition("/")[2]
                if entry.isfile() and (path.startswith("stacks/") or path.endswith("/service.toml")):
                    file = packed.extractfile(entry)
                    found[path] = file.read().decode("utf-8", "replace") if file else ""
    except (tarfile.TarError, EOFError, OSError) as error:
        raise PortFailed(f"GitHub's archive can't be read: {error}. Try again in a moment.") from error
    return found
