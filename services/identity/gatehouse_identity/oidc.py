"""The OpenID Connect provider that people sign in with: discovery, the authorization code flow, and checking id tokens.

OpenID Connect Core 1.0, sections 3.1.2 and 3.1.3, with PKCE (RFC 7636) and the issuer in the answer (RFC 9207). Knows
nothing of accounts: the outcome is who the provider says it is.
"""

import asyncio
import hmac
import time
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx
import jwt
import msgspec

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.problems import Unavailable
from gatehouse_identity.digests import digest
from gatehouse_identity.provider import Identity, NotProven, ProviderClient, ProviderNotConfigured

T = TypeVar("T")

CALLBACK = "/api/identity/sign-in/callback"
# Asymmetric ones only: with HS256 the provider's public key could serve as a shared secret; `none` is no signature.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
FRESH_FOR = 3600.0
LEAST_BETWEEN_FETCHES = 5.0
CLOCK_SKEW = 30


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What this needs of the provider's discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    id_token: str
    access_token: str = ""


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What this needs of an id token or of userinfo. Some providers (Cognito) write booleans as text."""

    sub: str
    email: str = ""
    email_verified: bool | str = False
    name: str = ""
    auth_time: float | None = None


class Provider:
    """The configured provider. Made once; `close` when the service stops."""

    def __init__(self, service: ServiceContext) -> None:
        settings = service.settings
        self.issuer = settings.url("oidc_issuer")
        self.name = settings.text("oidc_name")
        self._client_id = settings.text("oidc_client_id")
        self._client_secret = settings.text("oidc_client_secret")
        self._scopes = settings.list("oidc_scopes")
        self._redirect = service.public_url + CALLBACK
        self._client = ProviderClient(service)
        self._metadata: Metadata | None = None
        self._keys: dict[str, jwt.PyJWK] = {}
        self._known_at = float("-inf")
        self._keys_tried_at = float("-inf")
        self._lock = asyncio.Lock()

    @property
    def configured(self) -> bool:
        return bool(self.issuer and self._client_id)

    async def close(self) -> None:
        await self._client.close()

    async def authorization(self, *, state: str, nonce: str, challenge: str, again: bool = False) -> str:
        """Where to send the browser; `again`: the provider is to authenticate the person, session or not (section
        3.1.2.1). Raises ProviderNotConfigured, or Unavailable when the provider can't be asked.
        """
        metadata = await self._discovered()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect,
            "scope": " ".join(self._scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if again:
            query |= {"prompt": "login", "max_age": "0"}
        joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return f"{metadata.authorization_endpoint}{joint}{urlencode(query)}"

    async def redeem(self, *, code: str, verifier: str, nonce_hash: str, issuer: str | None) -> Identity:
        """Exchanges the code and checks the id token. `issuer`: the parameter iss of the answer, if there was one.

        Raises NotProven, or Unavailable when the provider can't be asked.
        """
        metadata = await self._discovered()
        if issuer is not None and issuer != self.issuer:
            raise NotProven("the answer names another issuer")
        answer = await self._exchange(metadata, code, verifier)
        claims = self._claims(await self._verified(answer.id_token, nonce_hash), Claims)
        proven_at = _moment(claims.auth_time)
        if not claims.email and metadata.userinfo_endpoint and answer.access_token:
            told = await self._userinfo(metadata, answer.access_token)
            if told.sub != claims.sub:
                raise NotProven("userinfo is about someone else")
            claims = told
        verified = claims.email_verified is True or claims.email_verified == "true"
        return Identity(
            provider=self.issuer,
            subject=claims.sub,
            method="oidc",
            email=claims.email if verified else "",
            name=claims.name,
            proven_at=proven_at,
        )

    async def _exchange(self, metadata: Metadata, code: str, verifier: str) -> TokenAnswer:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "client_id": self._client_id,
            "code_verifier": verifier,
        }
        auth = None
        if self._client_secret:
            if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
                # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
                auth = httpx.BasicAuth(quote(self._client_id, safe=""), quote(self._client_secret, safe=""))
            else:
                form["client_secret"] = self._client_secret
        return await self._client.post(metadata.token_endpoint, form, TokenAnswer, auth=auth)

    async def _userinfo(self, metadata: Metadata, access_token: str) -> Claims:
        headers = {"Authorization": f"Bearer {access_token}"}
        return await self._client.get(metadata.userinfo_endpoint, Claims, headers)

    async def _verified(self, id_token: str, nonce_hash: str) -> dict[str, Any]:
        """The claims of the id token, all of section 3.1.3.7 checked."""
        try:
            header = jwt.get_unverified_header(id_token)
            algorithm = header.get("alg")
            if algorithm not in ALGORITHMS:
                raise NotProven(f"the id token is signed by {algorithm!r}, which isn't accepted")
            key = await self._key(header.get("kid"))
            if key.algorithm_name != algorithm:
                raise NotProven("the id token's algorithm isn't the key's")
            claims = jwt.decode(
                id_token,
                key,
                algorithms=[algorithm],
                audience=self._client_id,
                issuer=self.issuer,
                leeway=CLOCK_SKEW,
                options={"require": ["exp", "iat", "sub", "aud", "iss", "nonce"]},
            )
        except jwt.PyJWTError as error:
            raise NotProven(f"the id token isn't valid: {type(error).__name__}") from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != self._client_id:
            raise NotProven("the id token is for several parties, or was issued to another one")
        if not hmac.compare_digest(digest(str(claims["nonce"])), nonce_hash):
            raise NotProven("the id token's nonce isn't the one of this sign-in")
        return claims

    async def _key(self, key_id: Any) -> jwt.PyJWK:
        """The provider's key of that id; of a provider with one key and no ids, that one."""
        await self._discovered()
        found = self._key_of(key_id)
        if found is None:
            async with self._lock:
                found = self._key_of(key_id)
                if found is None and time.monotonic() - self._keys_tried_at > LEAST_BETWEEN_FETCHES:
                    await self._fetch_keys(self._metadata)
                    found = self._key_of(key_id)
        if found is None:
            raise NotProven("the id token is signed with a key that the provider doesn't publish")
        return found

    def _key_of(self, key_id: Any) -> jwt.PyJWK | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(str(key_id))

    async def _discovered(self) -> Metadata:
        if not self.configured:
            raise ProviderNotConfigured("oidc_issuer and oidc_client_id (and the secret oidc_client_secret)")
        if self._metadata is None or time.monotonic() - self._known_at > FRESH_FOR:
            async with self._lock:
                if self._metadata is None or time.monotonic() - self._known_at > FRESH_FOR:
                    await self._discover()
        assert self._metadata is not None
        return self._metadata

    async def _discover(self) -> None:
        self._client.must_be_safe(self.issuer)
        address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        metadata = await self._client.get(address, Metadata)
        if metadata.issuer != self.issuer:
            raise Unavailable("The provider's discovery document names another issuer than the setting oidc_issuer.")
        for endpoint in (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri):
            self._client.must_be_safe(endpoint)
        await self._fetch_keys(metadata)
        self._metadata = metadata
        self._known_at = time.monotonic()

    async def _fetch_keys(self, metadata: Metadata | None) -> None:
        assert metadata is not None
        self._keys_tried_at = time.monotonic()
        found = await self._client.get(metadata.jwks_uri, dict[str, Any])
        keys: dict[str, jwt.PyJWK] = {}
        for entry in found.get("keys", []):
            if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or entry.get("kty") == "oct":
                continue
            try:
                keys[str(entry.get("kid"))] = jwt.PyJWK(entry)
            except jwt.PyJWTError:
                continue  # a kind of key that this can't use; others may do
        self._keys = keys

    def _claims(self, claims: dict[str, Any], kind: type[T]) -> T:
        try:
            return msgspec.convert(claims, kind)
        except msgspec.ValidationError as error:
            raise NotProven(f"the id token's claims can't be read: {error}") from None


def _moment(seconds: float | None) -> datetime | None:
    """Seconds since 1970 as a moment. Raises NotProven for what is none."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise NotProven("the id token's auth_time is no moment") from None
