"""How a registry lets us in: the challenges of the distribution specification, `Bearer` and `Basic`.

https://distribution.github.io/distribution/spec/auth/token/. Credentials are read from the environment once; they go to
the registry, and to the token server that it names, over HTTPS only (loopback excepted).
"""

import os
import re
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from gatehouse_release.ports import PortFailed

USER, PASSWORD = "GATEHOUSE_REGISTRY_USER", "GATEHOUSE_REGISTRY_PASSWORD"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class RegistryError(PortFailed):
    """The registry can't be asked, refused, or holds something else than was meant. The message says what to do."""


class Credentials(msgspec.Struct, frozen=True):
    """Who asks. Without a user nobody does: public images can be read so."""

    user: str = ""
    password: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str] | None = None) -> "Credentials":
        """GATEHOUSE_REGISTRY_USER and _PASSWORD; in GitHub Actions, GITHUB_ACTOR and GITHUB_TOKEN."""
        given = os.environ if environ is None else environ
        for user, password in ((USER, PASSWORD), ("GITHUB_ACTOR", "GITHUB_TOKEN")):
            if given.get(user) and given.get(password):
                return cls(given[user], given[password])
        return cls()

    def __repr__(self) -> str:
        return f"Credentials({self.user!r})"


class Answerer:
    """Answers a registry's challenges, and remembers each answer for as long as it is taken."""

    def __init__(self, http: httpx.Client, credentials: Credentials) -> None:
        self._http = http
        self._credentials = credentials
        self._answers: dict[str, str] = {}

    def headers(self, scope: str) -> dict[str, str]:
        answer = self._answers.get(scope)
        return {"Authorization": answer} if answer else {}

    def answer(self, challenged: httpx.Response, scope: str) -> bool:
        """Gets what the challenge asks for; False when there is nothing (more) to offer."""
        challenge = challenged.headers.get("www-authenticate", "")
        kind = challenge.partition(" ")[0].lower()
        before = self._answers.get(scope)
        if kind == "bearer":
            self._answers[scope] = f"Bearer {self._token(dict(_PARAMETER.findall(challenge)), scope)}"
        elif kind == "basic" and self._credentials.user:
            basic = httpx.BasicAuth(self._credentials.user, self._credentials.password)
            request = next(basic.auth_flow(httpx.Request("GET", challenged.request.url)))
            self._answers[scope] = request.headers["authorization"]
        return self._answers.get(scope) != before

    def _token(self, asked: Mapping[str, str], scope: str) -> str:
        realm = httpx.URL(asked.get("realm", ""))
        if realm.scheme != "https" and realm.host not in LOOPBACK:
            raise RegistryError(f"The registry wants a token from {realm}, which isn't HTTPS: no credentials go there.")
        parameters = {"scope": scope} | ({"service": asked["service"]} if "service" in asked else {})
        basic = (self._credentials.user, self._credentials.password) if self._credentials.user else None
        try:
            answer = self._http.get(realm, params=parameters, auth=basic)
        except httpx.HTTPError as error:
            raise RegistryError(f"The token server {realm} can't be asked: {error}. Fix: try again later.") from error
        if answer.status_code != 200:
            who = f"as {self._credentials.user!r}" if basic else "without a user"
            raise RegistryError(
                f"The token server {realm} answers {answer.status_code} for {scope!r} {who}. Fix: set {USER} and "
                f"{PASSWORD} to one who may do that (in GitHub Actions: `permissions: packages`)."
            )
        given: dict[str, Any] = answer.json()
        token = given.get("token") or given.get("access_token")
        if not token:
            raise RegistryError(f"The token server {realm} answers without a token.")
        return str(token)
