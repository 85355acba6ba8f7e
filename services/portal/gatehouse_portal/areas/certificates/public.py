"""For everybody: a certificate by its link, and a page that checks any Open Badge."""

import base64
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import GoneForGood, Invalid, TooLarge
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_portal.areas.certificates.structs import Credential, Verdict
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers

SENDING = anonymous(per_minute=20, at_once=10)
FILES = anonymous(per_minute=20, at_once=10)
KINDS = {"png": "image/png", "pdf": "application/pdf", "json": "application/vc+ld+json", "jwt": "application/vc+jwt"}
MOST = 250_000
"""Bytes of a file that is checked."""
PNG = b"\x89PNG"
LINKEDIN = "https://www.linkedin.com/profile/add"


@get("/credentials/{id:uuid}", guards=[guards.visitor], include_in_schema=False)
async def certificate(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Response[Any]:
    try:
        found = await peers.ask("credential", "GET", f"/api/credential/credentials/{id}", Credential, token="")
    except GoneForGood:
        return page(request, "certificates/gone.html", status=410)
    answer = page(request, "certificates/certificate.html", found=found, linkedin=None, own=False)
    if found.visibility != "public":
        answer.headers["X-Robots-Tag"] = "noindex"
    return answer


@get("/credentials/{id:uuid}/file.json", guards=[guards.visitor], include_in_schema=False)
async def certificate_file(peers: Peers, id: UUID) -> Response[bytes]:
    found = await peers.ask("credential", "GET", f"/api/credential/credentials/{id}", Credential, token="")
    return json_file(found)


@get("/credentials/{id:uuid}/badge.png", guards=[guards.visitor, FILES], include_in_schema=False)
async def certificate_badge(peers: Peers, id: UUID) -> Response[bytes]:
    path = f"/api/credential/credentials/{id}/badge"
    return as_file(await peers.content("credential", "GET", path, token=""), f"certificate-{id}.png")


@get("/credentials/{id:uuid}/certificate.pdf", guards=[guards.visitor, FILES], include_in_schema=False)
async def certificate_print(peers: Peers, id: UUID) -> Response[bytes]:
    path = f"/api/credential/credentials/{id}/certificate"
    return as_file(await peers.content("credential", "GET", path, token=""), f"certificate-{id}.pdf")


@get("/credentials/verify", guards=[guards.visitor], include_in_schema=False)
async def check(request: Request[Any, Any, Any]) -> Response[Any]:
    return page(request, "certificates/verify.html", found=None, errors={}, text="")


@post("/credentials/verify", guards=[guards.visitor, SENDING], include_in_schema=False)
async def checked(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    form = await request.form()
    text = str(form.get("text") or "").strip()
    try:
        sent = await _sent(form.get("file"))
    except TooLarge as problem:
        errors = {"text": problem.detail}
        return page(request, "certificates/verify.html", status=422, found=None, errors=errors, text=text[:MOST])
    if not (sent or text):
        errors = {"text": "Choose a file, or paste the certificate’s text."}
        return page(request, "certificates/verify.html", status=422, found=None, errors=errors, text="")
    body = {"credential": sent or text, "recipient": str(form.get("recipient") or "").strip() or None}
    try:
        found = await peers.ask(
            "credential", "POST", "/api/credential/credentials/verify", Verdict, json=body, token=""
        )
    except (Invalid, TooLarge):
        errors = {"text": "This is too long for a certificate, or its recipient is no name."}
        return page(request, "certificates/verify.html", status=422, found=None, errors=errors, text=text[:MOST])
    return page(request, "certificates/verify.html", found=found, errors={}, text="")


def json_file(found: Credential) -> Response[bytes]:
    """What wallets take, and any verifier."""
    return as_file(msgspec.json.encode(found.document), f"certificate-{found.id}.json")


def as_file(content: bytes, name: str) -> Response[bytes]:
    """Nobody keeps it on the way: it may be revoked, and its member may close its page."""
    kind = KINDS[name.rpartition(".")[2]]
    how = "inline" if kind == "application/pdf" else "attachment"
    headers = {"Content-Disposition": f'{how}; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=headers)


def linkedin_address(found: Credential, url: str) -> str:
    """Opens LinkedIn's form with everything filled in."""
    values = {
        "startTask": "CERTIFICATION_NAME",
        "name": found.achievement,
        "organizationName": found.issuer,
        "issueYear": found.issued_at.year,
        "issueMonth": found.issued_at.month,
        "certUrl": f"{url}/credentials/{found.id}",
        "certId": str(found.id),
    }
    if found.valid_until is not None:
        values |= {"expirationYear": found.valid_until.year, "expirationMonth": found.valid_until.month}
    return f"{LINKEDIN}?{urlencode(values)}"


async def _sent(file: Any) -> str:
    """A file as credential takes it. Empty where none was chosen. Raises TooLarge."""
    if not isinstance(file, UploadFile):
        return ""
    content = await file.read(MOST + 1)
    if len(content) > MOST:
        raise TooLarge("A certificate’s file has at most 250 kB.")
    if content.startswith(PNG):
        return f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return content.decode(errors="replace").strip()


ROUTES: tuple[ControllerRouterHandler, ...] = (
    certificate,
    certificate_file,
    certificate_badge,
    certificate_print,
    check,
    checked,
)
