"""All SQL about doors."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, get_args

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_intake import tables
from gatehouse_intake.door.structs import DoorRow, ShownDoor
from gatehouse_intake.enumerators import SignUpSource
from gatehouse_intake.tables import DB

DOOR = Repository(tables.Door, DoorRow)
_ROWS = DB.prepare(tables.Door.select(*columns_for(DoorRow, tables.Door)), DoorRow)
_ONE = DB.prepare(tables.Door.select(*columns_for(DoorRow, tables.Door)).where(tables.Door.source == arg(1)), DoorRow)
_BY_TOKEN = DB.prepare(tables.Door.select(tables.Door.id).where(tables.Door.token_hash == arg(1)))


async def refuse_closed(source: SignUpSource) -> None:
    """Raises Conflict where a coordinator closed this door."""
    row = await _ONE.one(source)
    if row is not None and not row.is_open:
        raise Conflict("This way of signing up is closed for now.")


async def all_doors(ready: Mapping[SignUpSource, bool]) -> list[ShownDoor]:
    """`ready`: those of which settings say whether they can work."""
    rows = {row.source: row for row in await _ROWS.all()}
    return [_shown(source, rows.get(source), ready) for source in get_args(SignUpSource)]


async def turn(source: SignUpSource, by: Actor, *, is_open: bool) -> None:
    await _change(source, {"is_open": is_open}, by)


async def new_token(by: Actor) -> str:
    """What the sheet's script sends; only its digest is kept."""
    token = secrets.token_urlsafe(32)
    await _change("sheet_row", {"token_hash": digest_of_token(token), "token_issued_at": await DB.now()}, by)
    return token


async def is_script(token: str) -> bool:
    return bool(token) and await _BY_TOKEN.value(digest_of_token(token)) is not None


def digest_of_token(token: str) -> str:
    """256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


async def _change(source: SignUpSource, values: dict[str, Any], by: Actor) -> None:
    async with DB.transaction():
        await DB.advisory_lock(f"intake.door.{source}")
        row = await _ONE.one(source)
        if row is None:
            await DOOR.insert({"source": source, **values}, by=by)
        else:
            await DOOR.change(row.id, row.version, values, by=by)


def _shown(source: SignUpSource, row: DoorRow | None, ready: Mapping[SignUpSource, bool]) -> ShownDoor:
    has_token = row is not None and row.token_hash is not None
    return ShownDoor(
        source=source,
        is_open=row is None or row.is_open,
        is_ready=ready.get(source, has_token if source == "sheet_row" else True),
        token_issued_at=None if row is None else row.token_issued_at,
    )
