"""The institute as an issuer, over HTTP: its DID document for everybody, its keys for administrators."""

from litestar import Controller, Response, get, post
from litestar.datastructures import State

from gatehouse_chassis import Actor
from gatehouse_chassis.http.guards import allow, public
from gatehouse_credential.issuer.did import did_document
from gatehouse_credential.issuer.structs import DidDocument, IssuerKeyList

CACHED = {"Cache-Control": "public, max-age=60"}


class IssuerController(Controller):
    path = "/issuer"
    tags = ("issuer",)

    @get(
        "/did.json",
        operation_id="GetDidDocument",
        guards=[public],
        summary="Who the institute is as an issuer, and all keys that it signed with",
    )
    async def did(self, state: State) -> Response[DidDocument]:
        return Response(did_document(state.issuer, await state.issuer_keys.all()), headers=CACHED)

    @get("/keys", operation_id="ListIssuerKeys", guards=[allow("admin")], summary="The keys of certificates")
    async def keys(self, state: State) -> IssuerKeyList:
        return IssuerKeyList(await state.issuer_keys.all())

    @post(
        "/keys/rotate",
        operation_id="RotateIssuerKey",
        guards=[allow("admin")],
        status_code=200,
        summary="Sign with a new key from now on; certificates that are out stay good",
    )
    async def rotate(self, actor: Actor, state: State) -> IssuerKeyList:
        return IssuerKeyList(await state.issuer_keys.rotate(actor))
