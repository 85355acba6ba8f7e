"""Signing in with the OpenID Connect provider, or with GitHub."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.datastructures import State
from litestar.params import Parameter

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.http.guards import public
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_identity.responses import LOCATION, sent_to
from gatehouse_identity.sign_in.structs import SignInOptions, Way

ReturnTo = Annotated[
    str,
    Parameter(max_length=2000, description="Where the browser goes afterwards; below the platform's public address"),
]
# The S256 challenge is 32 bytes in base64url: 43 characters.
Challenge = Annotated[
    str,
    Parameter(
        pattern="^[A-Za-z0-9_-]{43}$",
        min_length=43,
        max_length=43,
        description="PKCE (S256) challenge of whoever may redeem the one-time code",
    ),
]
WithProvider = Annotated[Way, Parameter(query="with", description="Which of the providers that are configured")]
Again = Annotated[bool, Parameter(description="Ask the provider to authenticate the person anew")]
InvitationToken = Annotated[
    str | None,
    Parameter(min_length=20, max_length=200, description="The one-time link that the person came by, its last part"),
]
ProviderState = Annotated[str, Parameter(query="state", max_length=200, description="As it was sent to the provider")]
ProviderAnswer = Annotated[str | None, Parameter(max_length=4000)]


strangers = anonymous(per_minute=60, at_once=30)


class SignInController(Controller):
    path = "/sign-in"
    tags = ("sign-in",)

    @get(
        operation_id="BeginSignIn",
        guards=[strangers],
        summary="Send the browser to the provider",
        status_code=302,
        response_headers=LOCATION,
    )
    async def begin(
        self,
        state: State,
        return_to: ReturnTo,
        code_challenge: Challenge,
        invitation: InvitationToken = None,
        way: WithProvider = "oidc",
        again: Again = False,
    ) -> Response[None]:
        return sent_to(await state.sign_ins.begin(return_to, code_challenge, invitation, way=way, again=again))

    @get(
        "/callback",
        operation_id="FinishSignIn",
        guards=[strangers],
        summary="Where the provider sends the browser back: on to return_to with `code` or `error`",
        status_code=302,
        response_headers=LOCATION,
    )
    async def callback(
        self,
        state: State,
        provider_state: ProviderState,
        code: ProviderAnswer = None,
        error: ProviderAnswer = None,
        iss: ProviderAnswer = None,
    ) -> Response[None]:
        answered = None if error is not None else code
        return sent_to(await state.sign_ins.answer("oidc", provider_state, answered, iss))

    @get(
        "/callback/github",
        operation_id="FinishSignInWithGitHub",
        guards=[strangers],
        summary="Where GitHub sends the browser back: on to return_to with `code` or `error`",
        status_code=302,
        response_headers=LOCATION,
    )
    async def callback_of_github(
        self,
        state: State,
        provider_state: ProviderState,
        code: ProviderAnswer = None,
        error: ProviderAnswer = None,
        iss: ProviderAnswer = None,
    ) -> Response[None]:
        answered = None if error is not None else code
        return sent_to(await state.sign_ins.answer("github", provider_state, answered, iss))

    @get("/options", guards=[public], operation_id="GetSignInOptions", summary="How can one sign in here?")
    async def options(self, state: State, service: ServiceContext) -> SignInOptions:
        provider = state.provider
        return SignInOptions(
            provider=provider.name if provider.configured else None,
            github=state.github.configured,
            personas=service.environment == "local",
        )
