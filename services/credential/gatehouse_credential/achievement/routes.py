"""Achievements over HTTP. Every operation says who may call it."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow, signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_credential.access import EDITORS
from gatehouse_credential.achievement import queries
from gatehouse_credential.achievement.queries import ACHIEVEMENT, ACHIEVEMENTS
from gatehouse_credential.achievement.structs import Achievement, AchievementChange, NewAchievement


class AchievementController(Controller):
    path = "/achievements"
    tags = ("achievements",)

    @get(
        operation_id="ListAchievements",
        operation_class=ACHIEVEMENTS.operation,
        guards=[signed_in],
        summary="The achievements; with `id` or `series` earlier editions too, otherwise the current ones",
    )
    async def list_achievements(self, request: Request[Any, Any, Any]) -> Page[Achievement]:
        wants_editions = "id" in request.query_params or "series" in request.query_params
        return await ACHIEVEMENTS.page(request.query_params, where=[] if wants_editions else [queries.CURRENT])

    @post(operation_id="CreateAchievement", guards=[allow(*EDITORS)], summary="Add an achievement")
    async def create_achievement(self, data: NewAchievement, actor: Actor, once: Once) -> Response[Achievement]:
        return await once(queries.add, data, by=actor)

    @get("/{id:uuid}", operation_id="GetAchievement", guards=[signed_in], summary="One edition of an achievement")
    async def get_achievement(self, request: Request[Any, Any, Any], id: UUID) -> Response[Achievement]:
        return versioned(await ACHIEVEMENT.get(id), request)

    @patch(
        "/{id:uuid}",
        operation_id="ChangeAchievement",
        guards=[allow(*EDITORS)],
        summary="Change an achievement: a new edition, which has an id of its own",
        description="Certificates of earlier editions keep what they say.",
    )
    async def change_achievement(
        self, id: UUID, data: AchievementChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[Achievement]:
        return versioned(await queries.change(id, required_version(if_match), data, actor))

    @post(
        "/{id:uuid}/archive",
        operation_id="ArchiveAchievement",
        guards=[allow(*EDITORS)],
        status_code=200,
        summary="Archive an achievement: it can't be proposed any more",
    )
    async def archive_achievement(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Achievement]:
        return versioned(await ACHIEVEMENT.archive(id, required_version(if_match), by=actor))
