"""Skills over HTTP: the technologies that resources may name."""

from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_topics.access import editors
from gatehouse_topics.skill.queries import SKILL, SKILLS
from gatehouse_topics.skill.structs import NewSkill, SkillChange, SkillInList, SkillRow


class SkillController(Controller):
    path = "/skills"
    tags = ("skills",)

    @get(operation_id="ListSkills", operation_class=SKILLS.operation, summary="List skills", guards=[signed_in])
    async def list_skills(self, request: Request) -> Page[SkillInList]:
        return await SKILLS.page(request.query_params)

    @get("/{id:uuid}", operation_id="GetSkill", summary="Read a skill", guards=[signed_in])
    async def get_skill(self, request: Request, id: UUID) -> Response[SkillRow]:
        return versioned(await SKILL.get(id), request)

    @post(operation_id="CreateSkill", summary="Add a skill", guards=[editors])
    async def create_skill(self, data: NewSkill, actor: Actor, once: Once) -> Response[SkillRow]:
        return await once(SKILL.insert, data, by=actor)

    @patch("/{id:uuid}", operation_id="ChangeSkill", summary="Describe a skill", guards=[editors])
    async def change_skill(
        self, id: UUID, data: SkillChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[SkillRow]:
        return versioned(await SKILL.change(id, required_version(if_match), data, by=actor))

    @post(
        "/{id:uuid}/archive",
        operation_id="ArchiveSkill",
        summary="Archive a skill: no other resource may name it",
        guards=[editors],
        status_code=200,
    )
    async def archive_skill(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[SkillRow]:
        return versioned(await SKILL.archive(id, required_version(if_match), by=actor))
