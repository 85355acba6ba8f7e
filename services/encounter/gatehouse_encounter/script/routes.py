"""Scripts over HTTP."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_encounter.script import queries
from gatehouse_encounter.script.rules import EDITORS, READERS
from gatehouse_encounter.script.structs import NewScript, Script, ScriptChange, ScriptChoice, ScriptVersion


class ScriptController(Controller):
    path = "/scripts"
    tags = ("scripts",)

    @get(
        operation_id="ListScripts",
        operation_class=queries.SCRIPTS.operation,
        guards=[allow(*READERS)],
        summary="The scripts",
    )
    async def list_scripts(self, request: Request[Any, Any, Any]) -> Page[Script]:
        return await queries.SCRIPTS.page(request.query_params)

    @post(operation_id="CreateScript", guards=[allow(*EDITORS)], summary="Begin a script")
    async def create_script(self, data: NewScript, actor: Actor, once: Once) -> Response[Script]:
        return await once(queries.create_script, data, actor)

    @get("/{script_id:uuid}", operation_id="GetScript", guards=[allow(*READERS)], summary="One script")
    async def get_script(self, request: Request[Any, Any, Any], script_id: UUID) -> Response[Script]:
        return versioned(await queries.SCRIPT.get(script_id), request)

    @get(
        "/{script_id:uuid}/versions",
        operation_id="ListScriptVersions",
        guards=[allow(*READERS)],
        summary="All that was published of a script, the newest first",
    )
    async def list_versions(self, script_id: UUID) -> list[ScriptVersion]:
        return await queries.versions_of(script_id)

    @patch("/{script_id:uuid}", operation_id="ChangeScript", guards=[allow(*EDITORS)], summary="Change what comes next")
    async def change_script(
        self, script_id: UUID, data: ScriptChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[Script]:
        return versioned(await queries.change_script(script_id, required_version(if_match), data, actor))

    @post(
        "/{script_id:uuid}/publish",
        operation_id="PublishScript",
        guards=[allow(*EDITORS)],
        status_code=200,
        summary="Publish the prompts as the next version; encounters that are open keep theirs",
    )
    async def publish_script(self, script_id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Script]:
        return versioned(await queries.publish_script(script_id, required_version(if_match), actor))

    @post(
        "/{script_id:uuid}/retire",
        operation_id="RetireScript",
        guards=[allow(*EDITORS)],
        status_code=200,
        summary="Retire a script: nobody chooses it any more",
    )
    async def retire_script(self, script_id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Script]:
        return versioned(await queries.retire_script(script_id, required_version(if_match), actor))

    @post(
        "/{script_id:uuid}/restore",
        operation_id="RestoreScript",
        guards=[allow(*EDITORS)],
        status_code=200,
        summary="Let mentors choose a retired script again",
    )
    async def restore_script(self, script_id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Script]:
        return versioned(await queries.restore_script(script_id, required_version(if_match), actor))


class ScriptChoiceController(Controller):
    path = "/script-choices"
    tags = ("scripts",)

    @get(
        operation_id="ListScriptChoices",
        guards=[allow(*READERS)],
        summary="The newest version of each published script: what an encounter may be held by",
    )
    async def list_choices(self) -> list[ScriptChoice]:
        return await queries.published_choices()
