"""The words of mails over HTTP: published, never changed."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import versioned
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_communication.access import SENDERS, WRITERS
from gatehouse_communication.template import queries
from gatehouse_communication.template.queries import TEMPLATE, TEMPLATES
from gatehouse_communication.template.structs import MailTemplate, NewMailTemplate

readers = allow(*{*SENDERS, *WRITERS})


class TemplateController(Controller):
    path = "/templates"
    tags = ("templates",)

    @get(
        operation_id="ListTemplates",
        operation_class=TEMPLATES.operation,
        guards=[readers],
        summary="The words of mails that were published, the newest first",
        description="A kind that has none here uses the English words that come with the service.",
    )
    async def list_templates(self, request: Request[Any, Any, Any]) -> Page[MailTemplate]:
        return await TEMPLATES.page(request.query_params)

    @post(
        operation_id="PublishTemplate",
        guards=[allow(*WRITERS)],
        summary="Publish new words for a kind of mail; mails that were sent keep theirs",
    )
    async def publish_template(self, data: NewMailTemplate, actor: Actor, once: Once) -> Response[MailTemplate]:
        return await once(queries.publish_template, data, actor)

    @get("/{id:uuid}", operation_id="GetTemplate", guards=[readers], summary="One published version")
    async def get_template(self, request: Request[Any, Any, Any], id: UUID) -> Response[MailTemplate]:
        return versioned(await TEMPLATE.get(id), request)
