"""Signing in with GitHub directly: it is OAuth 2.0 without OpenID Connect, so there is no discovery and no id token.

What this assumes of GitHub, from its documentation (docs/decisions/0017-github-sign-in.md has the sources): the web
application flow at /login/oauth/authorize and /login/oauth/access_token; errors of the latter come with status 200;
`id` of GET /user is a number that an account keeps when its login or addresses change; GET /user/emails says which
address is primary, and whether it is verified. Knows nothing of accounts: the outcome is who GitHub says it is.
"""

from urllib.parse import urlencode

import msgspec

from gatehouse_chassis import ServiceContext
from gatehouse_identity.provider import Identity, NotProven, ProviderClient, ProviderNotConfigured

# Its own address: an answer that comes to another provider's is none of GitHub's (RFC 9700, section 4.4.2).
CALLBACK = "/api/identity/sign-in/callback/github"
# `read:user` isn't needed: GET /user tells a token's own account without a scope.
SCOPE = "user:email"
API_HEADERS = {
    "Accept": "application/vnd.github+json",
    "User-Agent": "Gatehouse",
    "X-GitHub-Api-Version": "2022-11-28",
}


class GitHubTokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`error`: such as bad_verification_code; then there is no token, and the status is 200 all the same."""

    access_token: str = ""
    token_type: str = ""
    error: str = ""


class User(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    login: str
    name: str | None = None


class EmailAddress(msgspec.Struct, frozen=True, kw_only=True):
    email: str
    primary: bool = False
    verified: bool = False


class GitHubSignIn:
    """GitHub, or a GitHub Enterprise Server. Made once; `close` when the service stops."""

    def __init__(self, service: ServiceContext) -> None:
        settings = service.settings
        self.issuer = settings.url("github_url").rstrip("/")
        self._api = settings.url("github_api_url").rstrip("/")
        self._client_id = settings.text("github_client_id")
        self._client_secret = settings.text("github_client_secret")
        self._redirect = service.public_url + CALLBACK
        self._client = ProviderClient(service)

    @property
    def configured(self) -> bool:
        return bool(self._client_id and self._client_secret)

    async def close(self) -> None:
        await self._client.close()

    async def authorization(self, *, state: str, nonce: str, challenge: str, again: bool = False) -> str:
        """Where to send the browser. `again`: GitHub can't be asked to authenticate anew; it asks for the account.

        `nonce` has no use here: there is no id token that could be another's. Raises ProviderNotConfigured.
        """
        if not self.configured:
            raise ProviderNotConfigured("github_client_id and the secret github_client_secret")
        self._client.must_be_safe(self.issuer)
        query = {
            "client_id": self._client_id,
            "redirect_uri": self._redirect,
            "scope": SCOPE,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if again:
            query |= {"prompt": "select_account"}
        return f"{self.issuer}/login/oauth/authorize?{urlencode(query)}"

    async def redeem(self, *, code: str, verifier: str, nonce_hash: str, issuer: str | None) -> Identity:
        """Exchanges the code and asks who it is. The token is kept nowhere.

        Raises NotProven, or Unavailable when GitHub can't be asked.
        """
        if issuer is not None and issuer.rstrip("/") not in (self.issuer, f"{self.issuer}/login/oauth"):
            raise NotProven("the answer names another issuer")
        for address in (self.issuer, self._api):
            self._client.must_be_safe(address)
        token = await self._exchange(code, verifier)
        headers = API_HEADERS | {"Authorization": f"Bearer {token}"}
        user = await self._client.get(f"{self._api}/user", User, headers)
        if user.id <= 0:
            raise NotProven("GitHub's user has no id")
        addresses = await self._client.get(f"{self._api}/user/emails?per_page=100", list[EmailAddress], headers)
        return Identity(
            provider=self.issuer,
            subject=str(user.id),
            method="github",
            email=next((one.email for one in addresses if one.primary and one.verified), ""),
            name=user.name or user.login,
        )

    async def _exchange(self, code: str, verifier: str) -> str:
        form = {
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "code": code,
            "redirect_uri": self._redirect,
            "code_verifier": verifier,
        }
        address = f"{self.issuer}/login/oauth/access_token"
        headers = {"Accept": "application/json", "User-Agent": API_HEADERS["User-Agent"]}
        answer = await self._client.post(address, form, GitHubTokenAnswer, headers=headers)
        if not answer.access_token or answer.token_type.lower() != "bearer":
            raise NotProven(f"GitHub gave no token: {answer.error[:100] or 'no reason'}")
        return answer.access_token
