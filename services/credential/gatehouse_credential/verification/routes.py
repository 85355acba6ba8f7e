"""Checking a certificate over HTTP, for everybody."""

from litestar import post
from litestar.datastructures import State

from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_credential.tables import DB
from gatehouse_credential.verification.structs import Verdict, VerifyRequest

STRANGERS = anonymous(per_minute=30, at_once=20)


@post(
    "/credentials/verify",
    operation_id="VerifyCredential",
    guards=[STRANGERS],
    status_code=200,
    summary="Whether an Open Badge 3.0 is good, whoever issued it, and why not",
    description="Nothing is looked up elsewhere, so of other issuers it says only what the file itself shows.",
    tags=["certificates"],
)
async def verify(data: VerifyRequest, state: State) -> Verdict:
    return await state.verifier.verdict(data.credential, data.recipient, await DB.now())
