"""What every sign-in provider is to the rest of identity: who it says somebody is, and how it is asked."""

from datetime import datetime
from typing import Protocol, TypeVar

import httpx
import msgspec

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.base.tls import trusted_authorities
from gatehouse_identity.enumerators import SignInMethod

T = TypeVar("T")

TIMEOUT = 5.0
LARGEST_ANSWER = 500_000


class ProviderNotConfigured(Unavailable):
    slug = "no-sign-in-provider"
    title = "Signing in with a provider isn't configured"

    def __init__(self, needed: str) -> None:
        super().__init__(
            f"Set {needed} of identity. In the local environment one signs in as a persona instead.", retry_after=60
        )


class NotProven(Exception):
    """The provider's answer doesn't prove who it is. The text is for the log."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the provider has authenticated. `email` is empty unless the provider has verified it.

    `proven_at`: when the person proved it to the provider; None where it doesn't say (Google's and GitHub don't).
    """

    provider: str
    subject: str
    method: SignInMethod
    email: str = ""
    name: str = ""
    proven_at: datetime | None = None


class SignInProvider(Protocol):
    """A way to sign in. Its authorization code flow is bound by state, nonce (where it has one) and PKCE."""

    issuer: str

    @property
    def configured(self) -> bool: ...

    async def authorization(self, *, state: str, nonce: str, challenge: str, again: bool = False) -> str: ...

    async def redeem(self, *, code: str, verifier: str, nonce_hash: str, issuer: str | None) -> Identity: ...

    async def close(self) -> None: ...


class ProviderClient:
    """Asks a provider over HTTPS. Made once; `close` when the service stops."""

    def __init__(self, service: ServiceContext) -> None:
        self._local = service.environment == "local"
        self._http = httpx.AsyncClient(
            timeout=TIMEOUT, follow_redirects=False, trust_env=False, verify=trusted_authorities()
        )

    async def close(self) -> None:
        await self._http.aclose()

    def must_be_safe(self, address: str) -> None:
        if not (address.startswith("https://") or (self._local and address.startswith("http://"))):
            raise Unavailable("The provider's addresses must begin with https:// outside the local environment.")

    async def get(self, address: str, kind: type[T], headers: dict[str, str] | None = None) -> T:
        return await self._answer(self._http.build_request("GET", address, headers=headers), kind)

    async def post(
        self,
        address: str,
        form: dict[str, str],
        kind: type[T],
        *,
        auth: httpx.Auth | None = None,
        headers: dict[str, str] | None = None,
    ) -> T:
        return await self._answer(self._http.build_request("POST", address, data=form, headers=headers), kind, auth)

    async def _answer(self, request: httpx.Request, kind: type[T], auth: httpx.Auth | None = None) -> T:
        """The provider's answer to `request`. A refusal is NotProven; anything else that goes wrong is Unavailable."""
        try:
            response = await self._http.send(request, auth=auth)
        except httpx.HTTPError:
            raise Unavailable("The sign-in provider doesn't answer; try again in a moment.", retry_after=5) from None
        if 400 <= response.status_code < 500:
            raise NotProven(f"the provider answered {response.status_code} at {request.url.path}")
        if response.status_code != 200 or len(response.content) > LARGEST_ANSWER:
            raise Unavailable("The sign-in provider doesn't answer as it should; try again later.", retry_after=5)
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.MsgspecError:
            raise Unavailable("The sign-in provider's answer can't be read; try again later.", retry_after=5) from None
