"""Signing keys over HTTP: published for everyone, rotated by operators."""

from litestar import Controller, Response, get, post
from litestar.datastructures import State

from gatehouse_chassis import Actor
from gatehouse_chassis.http.guards import allow, public, recently
from gatehouse_identity.signing_key.key_ring import JWKS_MAX_AGE
from gatehouse_identity.signing_key.structs import Jwks, SigningKeys

operators = allow("sre", "admin")


@get("/jwks.json", operation_id="GetJwks", summary="The public keys (RFC 7517)", guards=[public], tags=["keys"])
async def get_jwks(state: State) -> Response[Jwks]:
    return Response(await state.key_ring.jwks(), headers={"Cache-Control": f"public, max-age={JWKS_MAX_AGE}"})


class SigningKeyController(Controller):
    path = "/keys"
    tags = ("keys",)
    guards = (operators,)

    @get(operation_id="ListSigningKeys", summary="The published keys and their states")
    async def list_keys(self, state: State) -> SigningKeys:
        return SigningKeys(await state.key_ring.all())

    @post(
        "/rotate",
        operation_id="RotateSigningKeys",
        summary="Let the next key sign",
        description="At once when it has been published long enough for every service to know it, else at the time "
        "that `signs_from` says. The key before stays published until its tokens have expired: nobody is signed out. "
        "409 while a rotation is under way.",
        guards=[recently(operators)],
        status_code=200,
    )
    async def rotate_keys(self, state: State, actor: Actor) -> SigningKeys:
        return SigningKeys(await state.key_ring.rotate(actor))

    @post(
        "/{kid:str}/withdraw",
        operation_id="WithdrawSigningKey",
        summary="Take a key out at once, because it may have leaked",
        description="Another key signs from now on. Every service refuses tokens of this one within a minute; sessions "
        "go on with new tokens.",
        guards=[recently(operators)],
        status_code=200,
    )
    async def withdraw_key(self, state: State, actor: Actor, kid: str) -> SigningKeys:
        return SigningKeys(await state.key_ring.withdraw(kid, actor))
