"""Profiles over HTTP."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Forbidden
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_person.profile import queries, rules
from gatehouse_person.profile.structs import Profile, ProfileChange
from gatehouse_person.relationships import facts_for


class ProfileController(Controller):
    path = "/people/{person_id:uuid}/profile"
    tags = ("profiles",)

    @get(operation_id="GetProfile", guards=[signed_in], summary="A person's profile")
    async def get_profile(self, request: Request[Any, Any, Any], person_id: UUID, actor: Actor) -> Response[Profile]:
        await facts_for(actor, person_id)
        return versioned(await queries.read_profile(person_id), request)

    @patch(
        operation_id="ChangeProfile",
        guards=[signed_in],
        summary="Change a profile: one's own, or as staff anyone's",
    )
    async def change_profile(
        self, person_id: UUID, data: ProfileChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[Profile]:
        facts, _ = await facts_for(actor, person_id)
        if not rules.changes_profile(actor, facts):
            raise Forbidden("Only the person and the staff change a profile.")
        return versioned(await queries.change_profile(person_id, required_version(if_match), data, actor))
