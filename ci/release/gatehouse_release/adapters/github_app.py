"""The identity with which a workflow pushes to a protected main: a GitHub App, whose tokens are made when needed.

A workflow's own token can't be let past a branch's protection; an App can. Its tokens last an hour and a job that
deploys two, so each push that comes late has a token of its own.
https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
"""

import time
from collections.abc import Callable, Mapping

import httpx

from gatehouse_release.ports import NotConfigured, PortFailed

API, VERSION, TIMEOUT_SECONDS = "https://api.github.com", "2022-11-28", 20.0
ID, KEY = "GATEHOUSE_APP_ID", "GATEHOUSE_APP_KEY"
# GitHub takes a JWT of ten minutes at most, and clocks differ by some seconds.
JWT_SECONDS, EARLIER_SECONDS = 540, 60
# A token lasts an hour; a push with one that is about to end would fail half way.
TOKEN_SECONDS = 45 * 60


class AppToken:
    """Gives a token of the App's installation in one repository; the same one until it is old."""

    def __init__(
        self, app: str, key: str, repository: str, api: str = API, clock: Callable[[], float] = time.time
    ) -> None:
        self._app, self._key, self._repository = app, key, repository
        self._api, self._clock = api.rstrip("/"), clock
        self._token, self._made = "", 0.0

    def __call__(self) -> str:
        """Raises PortFailed when GitHub gives none, NotConfigured when the key is none."""
        if not self._token or self._clock() - self._made > TOKEN_SECONDS:
            self._token, self._made = self._new(), self._clock()
        return self._token

    def _new(self) -> str:
        with httpx.Client(base_url=self._api, timeout=TIMEOUT_SECONDS, headers=self._headers()) as http:
            try:
                found = http.get(f"/repos/{self._repository}/installation")
                found.raise_for_status()
                body = {"repositories": [self._repository.partition("/")[2]], "permissions": {"contents": "write"}}
                made = http.post(f"/app/installations/{found.json()['id']}/access_tokens", json=body)
                made.raise_for_status()
                return made.json()["token"]
            except (httpx.HTTPError, KeyError, ValueError) as error:
                message = f"GitHub gives the App {self._app} no token for {self._repository}: {error}."
                raise PortFailed(f"{message} Fix: install the App there, with contents: write.") from error

    def _headers(self) -> dict[str, str]:
        import jwt  # noqa: PLC0415 - for those who push as an App

        now = int(self._clock())
        claims = {"iat": now - EARLIER_SECONDS, "exp": now + JWT_SECONDS, "iss": self._app}
        try:
            signed = jwt.encode(claims, self._key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise NotConfigured(f"{KEY} is no private key of an App: {error}.", "Fix: put the .pem there.") from None
        return {
            "Authorization": f"Bearer {signed}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": VERSION,
        }


def token_of(environ: Mapping[str, str]) -> Callable[[], str] | None:
    """What gives the token to push with in a workflow: the App's, or else the run's own; None elsewhere."""
    if environ.get("GITHUB_ACTIONS") != "true":
        return None
    if environ.get(ID) and environ.get(KEY):
        repository = environ.get("GITHUB_REPOSITORY", "")
        return AppToken(environ[ID], environ[KEY], repository, environ.get("GITHUB_API_URL") or API)
    own = environ.get("GITHUB_TOKEN", "")
    return (lambda: own) if own else None
