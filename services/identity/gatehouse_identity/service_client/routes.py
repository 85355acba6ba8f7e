"""Service clients, and the tokens they get, over HTTP."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, patch, post
from litestar.datastructures import State
from litestar.exceptions import SerializationException
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Invalid, Unauthenticated, Unsupported
from gatehouse_chassis.http.error_responses import field_error
from gatehouse_chassis.http.etags import IfMatch, etag, required_version, versioned
from gatehouse_chassis.http.guards import allow, recently
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_chassis.lists.listing import Page
from gatehouse_identity.responses import unauthenticated, uncached
from gatehouse_identity.service_client import queries
from gatehouse_identity.service_client.queries import CLIENT, CLIENTS
from gatehouse_identity.service_client.structs import (
    NewServiceClient,
    ServiceClient,
    ServiceClientChange,
    ServiceClientWithSecret,
    ServiceToken,
    TokenRequest,
)

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
administrators = allow("admin")
BASIC = {"WWW-Authenticate": 'Basic realm="gatehouse"'}


class ServiceClientController(Controller):
    path = "/service-clients"
    tags = ("service clients",)
    guards = (administrators,)

    @get(operation_id="ListServiceClients", summary="Programs with an account", operation_class=CLIENTS.operation)
    async def list_clients(self, request: Request[Any, Any, Any]) -> Page[ServiceClient]:
        return await CLIENTS.page(request.query_params)

    @post(
        operation_id="CreateServiceClient",
        summary="Give a program an account; its secret is shown this once",
        guards=[recently(administrators)],
        description="Takes no Idempotency-Key: the answer would have to be stored, and it holds the secret. The name "
        "is unique, so a repeat makes no second one.",
    )
    async def create_client(self, data: NewServiceClient, actor: Actor) -> Response[ServiceClientWithSecret]:
        client = await queries.create_client(data, actor)
        headers = {"ETag": etag(client.version), "Location": f"/api/identity/service-clients/{client.id}"}
        return uncached(client, status_code=201, headers=headers)

    @get("/{id:uuid}", operation_id="GetServiceClient", summary="A service client")
    async def get_client(self, request: Request[Any, Any, Any], id: UUID) -> Response[ServiceClient]:
        return versioned(await CLIENT.get(id), request)

    @patch(
        "/{id:uuid}",
        operation_id="ChangeServiceClient",
        summary="Change what it is for, or its roles",
        guards=[recently(administrators)],
    )
    async def change_client(
        self, id: UUID, data: ServiceClientChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[ServiceClient]:
        return versioned(await queries.change_client(id, required_version(if_match), data, actor))

    @post(
        "/{id:uuid}/rotate-secret",
        operation_id="RotateServiceClientSecret",
        summary="A new secret, shown this once",
        guards=[recently(administrators)],
        description="The previous secret stays valid for another hour. Rotate twice to cut it off at once.",
        status_code=200,
    )
    async def rotate_secret(
        self, id: UUID, actor: Actor, if_match: IfMatch = None
    ) -> Response[ServiceClientWithSecret]:
        client = await queries.rotate_secret(id, required_version(if_match), actor)
        return uncached(client, headers={"ETag": etag(client.version)})

    @post(
        "/{id:uuid}/archive",
        operation_id="ArchiveServiceClient",
        summary="Give it no tokens any more",
        guards=[recently(administrators)],
        status_code=200,
    )
    async def archive_client(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[ServiceClient]:
        return versioned(await queries.archive_client(id, required_version(if_match), actor))


@dataclass
class TokenOperation(Operation):
    """Documents the body, which the handler reads itself because it comes in two media types."""

    def __post_init__(self) -> None:
        text = Schema(type=OpenAPIType.STRING)
        body = OpenAPIMediaType(
            schema=Schema(
                type=OpenAPIType.OBJECT,
                properties={
                    "grant_type": Schema(type=OpenAPIType.STRING, enum=["client_credentials"]),
                    "client_id": text,
                    "client_secret": text,
                    "audience": text,
                },
                required=["grant_type"],
                additional_properties=False,
            )
        )
        self.request_body = RequestBody(content={FORM: body, JSON: body}, required=True)


@post(
    "/token",
    operation_id="IssueServiceToken",
    summary="An access token for a service client (OAuth 2, client credentials)",
    description="The client names itself in the body or by HTTP Basic (RFC 6749, section 2.3.1).",
    guards=[anonymous(per_minute=60, at_once=30)],
    tags=["service clients"],
    status_code=200,
    operation_class=TokenOperation,
    responses=unauthenticated("No service client has this client_id and client_secret"),
)
async def issue_service_token(request: Request[Any, Any, Any], state: State) -> Response[ServiceToken]:
    body = await _token_request(request)
    try:
        name, secret = _basic(request) or (body.client_id, body.client_secret)
        return uncached(await queries.issue_token(state.key_ring, name, secret, body.audience))
    except Unauthenticated as problem:
        problem.headers |= BASIC
        raise


async def _token_request(request: Request[Any, Any, Any]) -> TokenRequest:
    kind = request.content_type[0]
    if kind == FORM:
        raw: Any = {key: value for key, value in (await request.form()).multi_items() if isinstance(value, str)}
    elif kind == JSON:
        try:
            raw = await request.json()
        except SerializationException:
            raise Invalid({"body": "isn't JSON"}) from None
    else:
        message = f"Send {FORM} or {JSON}."
        raise Unsupported(message)
    try:
        return msgspec.convert(raw, TokenRequest)
    except msgspec.ValidationError as error:
        field, message = field_error(str(error), "")
        raise Invalid({field: message}) from None


def _basic(request: Request[Any, Any, Any]) -> tuple[str, str] | None:
    """client_id and client_secret of the Authorization header, if there is one."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if not colon:
        raise Unauthenticated("The Authorization header isn't `Basic` with base64 of client_id:client_secret.")
    return unquote_plus(name), unquote_plus(secret)
