"""All SQL about scripts and their versions."""

from typing import Any, get_args
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.lists.filters import choices
from gatehouse_chassis.lists.listing import Listing
from gatehouse_encounter import tables
from gatehouse_encounter.enumerators import ScriptState
from gatehouse_encounter.script import rules, structs
from gatehouse_encounter.script.structs import Prompt
from gatehouse_encounter.tables import DB

SCRIPT = Repository(
    tables.Script,
    structs.Script,
    unique={"unique_name": {"name": "there is a script of this name already; give another name"}},
)
SCRIPTS = Listing(
    tables.Script,
    structs.Script,
    filters={"state": choices(tables.Script.state, get_args(ScriptState))},
    sorts={"name": tables.Script.sort_name, "created": tables.Script.created_at},
    search=[tables.Script.name],
    default_sort="name",
)
_version = columns_for(structs.ScriptVersion, tables.ScriptVersion)
_VERSION = DB.prepare(
    tables.ScriptVersion.select(*_version).where(tables.ScriptVersion.id == arg(1)), structs.ScriptVersion
)
_VERSIONS = DB.prepare(
    tables.ScriptVersion.select(*_version)
    .where(tables.ScriptVersion.script_id == arg(1))
    .order_by(tables.ScriptVersion.number, ascending=False),
    structs.ScriptVersion,
)
_PUBLISH = DB.prepare(
    InsertOf(
        {
            tables.ScriptVersion.id: arg(1),
            tables.ScriptVersion.script_id: arg(2),
            tables.ScriptVersion.number: arg(3),
            tables.ScriptVersion.prompts: arg(4),
            tables.ScriptVersion.published_by: arg(5),
            tables.ScriptVersion.published_request: arg(6),
        }
    )
)
# By hand: Piccolo knows no foreign key between these tables.
_CHOICES = DB.prepare_sql(
    """
    select v.id as script_version_id, s.id as script_id, s.name, s.purpose, v.number, s.first_meeting
    from encounter.script s join encounter.script_version v on v.script_id = s.id and v.number = s.latest_number
    where s.state = 'published' order by s.sort_name
    """,
    structs.ScriptChoice,
)


async def create_script(new: structs.NewScript, by: Actor) -> structs.Script:
    """To be called in a transaction."""
    rules.refuse_prompts(new.prompts)
    return await SCRIPT.insert(_columns(new), by=by)


async def change_script(id: UUID, version: int, change: structs.ScriptChange, by: Actor) -> structs.Script:
    """What is published stays as it is: only what the next version will be changes."""
    if change.prompts is not msgspec.UNSET:
        rules.refuse_prompts(change.prompts)
    return await SCRIPT.change(id, version, _columns(change), by=by)


async def publish_script(id: UUID, version: int, by: Actor) -> structs.Script:
    async with DB.transaction():
        script = await SCRIPT.get(id, lock=True, version=version)
        rules.refuse_publishing(script.state, script.prompts)
        number = script.latest_number + 1
        await _PUBLISH.execute(uuid7(), id, number, _builtins(script.prompts), by.account, request_id())
        return await SCRIPT.change(id, version, {"state": "published", "latest_number": number}, by=by)


async def retire_script(id: UUID, version: int, by: Actor) -> structs.Script:
    async with DB.transaction():
        script = await SCRIPT.get(id, lock=True, version=version)
        if script.state != "published":
            raise Conflict("Only a published script is retired.")
        return await SCRIPT.change(id, version, {"state": "retired"}, by=by)


async def restore_script(id: UUID, version: int, by: Actor) -> structs.Script:
    async with DB.transaction():
        script = await SCRIPT.get(id, lock=True, version=version)
        if script.state != "retired":
            raise Conflict("This script isn't retired.")
        return await SCRIPT.change(id, version, {"state": "published"}, by=by)


async def versions_of(script: UUID) -> list[structs.ScriptVersion]:
    await SCRIPT.get(script)
    return await _VERSIONS.all(script)


async def version_of(id: UUID) -> structs.ScriptVersion:
    found = await _VERSION.one(id)
    if found is None:
        raise NotFound(f"There is no version {id} of a script.")
    return found


async def published_choices() -> list[structs.ScriptChoice]:
    return await _CHOICES.all()


def _columns(values: structs.NewScript | structs.ScriptChange) -> dict[str, Any]:
    columns = {name: getattr(values, name) for name in values.__struct_fields__}
    if columns["prompts"] is not msgspec.UNSET:
        columns["prompts"] = _builtins(columns["prompts"])
    return columns


def _builtins(prompts: list[Prompt]) -> list[dict[str, Any]]:
    return msgspec.to_builtins(prompts)
