"""GitHub, as far as delivery needs it: start a workflow, see how its runs do, name the pull requests behind commits.

The release page starts workflows and holds no other credentials; everything else works without GitHub.
https://docs.github.com/rest (version 2022-11-28)
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from gatehouse_release.git.files import stack_config
from gatehouse_release.ports import NotConfigured, PortFailed

API, VERSION = "https://api.github.com", "2022-11-28"
TIMEOUT_SECONDS = 20.0
PAGE = 100
# GitHub compares 250 commits at most without pages, and any number with.
MOST_PAGES = 20


class PullRequest(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    title: str
    by: str
    url: str


class WorkflowRun(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow's run: `status` queued, in_progress, completed; `conclusion` success, failure once it ended."""

    id: int
    url: str
    title: str
    status: str
    conclusion: str
    at: datetime


def connect(root: Path, environ: Mapping[str, str]) -> "GitHub":
    """Of GITHUB_REPOSITORY or the stack files' repository, with GITHUB_TOKEN. Raises NotConfigured."""
    token = environ.get("GITHUB_TOKEN", "")
    if not token:
        what = "to dispatch workflows: actions, write; to read pull requests: pull requests, read"
        raise NotConfigured("There is no token for GitHub.", f"Fix: set GITHUB_TOKEN ({what}).")
    repository = environ.get("GITHUB_REPOSITORY") or stack_config(root, "dev").get("gatehouse:repository")
    if not repository:
        raise NotConfigured("No repository at GitHub is known.", "Fix: set GITHUB_REPOSITORY to OWNER/NAME.")
    return GitHub(str(repository), token, environ.get("GITHUB_API_URL") or API)


class GitHub:
    """One repository. Every method raises PortFailed when GitHub refuses or can't be asked."""

    def __init__(self, repository: str, token: str, api: str = API) -> None:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": VERSION,
        }
        self.repository = repository
        self._http = httpx.Client(
            base_url=f"{api.rstrip('/')}/repos/{repository}/", headers=headers, timeout=TIMEOUT_SECONDS
        )

    def close(self) -> None:
        self._http.close()

    def dispatch(self, workflow: str, inputs: Mapping[str, str], ref: str = "main") -> None:
        """Starts a workflow (`promote.yml`) by its form. GitHub answers before there is a run."""
        body = {"ref": ref, "inputs": dict(inputs)}
        self._ask("POST", f"actions/workflows/{workflow}/dispatches", json=body)

    def runs(self, workflow: str, since: datetime) -> list[WorkflowRun]:
        """Runs of a workflow's form since then, newest first."""
        query = {"event": "workflow_dispatch", "created": f">={since.isoformat()}", "per_page": str(PAGE)}
        answer = self._ask("GET", f"actions/workflows/{workflow}/runs", params=query)
        return [
            WorkflowRun(
                id=one["id"],
                url=one["html_url"],
                title=one["display_title"],
                status=one["status"],
                conclusion=one["conclusion"] or "",
                at=datetime.fromisoformat(one["created_at"]),
            )
            for one in answer["workflow_runs"]
        ]

    def pull_requests(self, before: str, after: str) -> list[PullRequest]:
        """Those whose commits `after` has and `before` hasn't, in the order in which they came to main."""
        found: dict[int, PullRequest] = {}
        for commit in self._commits(before, after):
            for one in self._ask("GET", f"commits/{commit}/pulls", params={"per_page": str(PAGE)}):
                if one["merged_at"]:
                    number, by = one["number"], (one["user"] or {}).get("login", "")
                    found.setdefault(number, PullRequest(number=number, title=one["title"], by=by, url=one["html_url"]))
        return list(found.values())

    def _commits(self, before: str, after: str) -> Iterator[str]:
        for page in range(1, MOST_PAGES + 1):
            query = {"per_page": str(PAGE), "page": str(page)}
            commits = self._ask("GET", f"compare/{before}...{after}", params=query)["commits"]
            yield from (one["sha"] for one in commits)
            if len(commits) < PAGE:
                return

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        try:
            answer = self._http.request(method, path, **more)
        except httpx.HTTPError as error:
            raise PortFailed(f"GitHub can't be asked: {error}. Fix: try again.") from error
        if answer.is_success:
            return answer.json() if answer.content else None
        raise PortFailed(f"GitHub refuses {method} {answer.request.url.path}: {_why(answer)}")


def _why(answer: httpx.Response) -> str:
    try:
        said = str(answer.json().get("message", ""))
    except (ValueError, AttributeError):
        said = answer.reason_phrase
    fixes = {
        401: "Fix: is GITHUB_TOKEN still valid?",
        403: "Fix: give the token the permission (actions: write, or pull requests: read).",
        404: "Fix: is it there on main, and may the token see it?",
        422: "Fix: the workflow's form has other inputs; is this checkout main's?",
        429: f"Fix: wait {answer.headers.get('retry-after', '60')} s.",
    }
    limited = answer.status_code == 403 and answer.headers.get("x-ratelimit-remaining") == "0"
    fix = fixes.get(429 if limited else answer.status_code, "Fix: try again.")
    return f"{answer.status_code} {said}. {fix}"
