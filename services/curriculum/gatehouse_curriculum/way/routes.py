"""A member's way over HTTP: what their home shows of the plan, in an answer that doesn't grow with it."""

import re
from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import Controller, get
from litestar.params import Parameter

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.http.guards import signed_in
from gatehouse_curriculum.access import Access
from gatehouse_curriculum.way import queries
from gatehouse_curriculum.way.structs import MemberWay

MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)


class WayController(Controller):
    path = "/curricula/{person_id:uuid}"
    tags = ("way",)

    @get(
        "/way",
        operation_id="GetWay",
        summary="What to go on with, what comes next, when it may be done, and what is completed",
        guards=[signed_in],
    )
    async def get_way(
        self,
        person_id: UUID,
        actor: Actor,
        access: Access,
        skill: Annotated[str | None, Parameter(max_length=200, description="Completed ones that teach this")] = None,
        month: Annotated[str | None, Parameter(description="Completed in this month, such as 2026-05")] = None,
        before: Annotated[int | None, Parameter(ge=1, le=10_000, description="Completed below this position")] = None,
    ) -> MemberWay:
        await access.require(actor, person_id, "read")
        # No skill's name has a NUL, and PostgreSQL takes no text with one.
        named = (skill or "").replace("\0", "") or None
        return await queries.way_of(person_id, skill=named, month=_first_of(month), before=before)


def _first_of(month: str | None) -> date | None:
    if not month:
        return None
    found = MONTH.fullmatch(month)
    if found is None:
        raise Invalid({"month": "a year and a month, such as 2026-05"})
    return date(int(found[1]), int(found[2]), 1)
