"""Curricula over HTTP, and the commands that change them.

Who may use a command is decided by relationship (access.py), not by role alone.
"""

from collections.abc import Callable
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from msgspec import UNSET

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.etags import IfMatch, has_already, required_version, versioned
from gatehouse_chassis.http.guards import allow, signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_curriculum.access import Access
from gatehouse_curriculum.curriculum import commands, queries, rules
from gatehouse_curriculum.curriculum.content import Content
from gatehouse_curriculum.curriculum.rules import Assignments, Stamp
from gatehouse_curriculum.curriculum.structs import (
    Assign,
    Curriculum,
    CurriculumAfterAssigning,
    CurriculumInList,
    Move,
    NewCurriculum,
    Propose,
    Took,
    Unassign,
)
from gatehouse_curriculum.enumerators import Standing


class CurriculumController(Controller):
    path = "/curricula"
    tags = ("curricula",)

    @get(
        operation_id="ListCurricula",
        operation_class=queries.CURRICULA.operation,
        summary="List the curricula that the caller may see",
        guards=[signed_in],
    )
    async def list_curricula(self, request: Request, actor: Actor, access: Access) -> Page[CurriculumInList]:
        people = await access.visible(actor)
        where = [] if people is None else [("person_id = any({}::uuid[])", people)]
        return await queries.CURRICULA.page(request.query_params, where=where)

    @get("/{person_id:uuid}", operation_id="GetCurriculum", summary="Read a person's curriculum", guards=[signed_in])
    async def get_curriculum(
        self, request: Request, person_id: UUID, actor: Actor, access: Access
    ) -> Response[Curriculum]:
        await access.require(actor, person_id, "read")
        row = await queries.find(person_id)
        if has_already(request, row.version):
            return versioned(queries.with_assignments(row, ()), request)  # 304: its assignments aren't needed
        return versioned(await queries.read(row))

    @post(
        operation_id="CreateCurriculum", summary="Give a person a curriculum", guards=[allow("mentor", "coordinator")]
    )
    async def create_curriculum(
        self,
        data: NewCurriculum,
        actor: Actor,
        access: Access,
        once: Once,
    ) -> Response[Curriculum]:
        await access.require(actor, data.person_id, "create")
        # A coordinator needs no relationship, but the person must be one that the institute knows.
        if await access.relationship(actor, data.person_id) is None:
            raise NotFound("There is no such person.")

        return await once(queries.create, data.person_id, actor, named="person_id")

    @post(
        "/{person_id:uuid}/archive",
        operation_id="ArchiveCurriculum",
        summary="Archive a curriculum: it can be read, not changed",
        guards=[allow("coordinator")],
        status_code=200,
    )
    async def archive_curriculum(self, person_id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Curriculum]:
        return versioned(await queries.archive(person_id, required_version(if_match), actor))

    @post(
        "/{person_id:uuid}/restore",
        operation_id="RestoreCurriculum",
        summary="Take a curriculum out of the archive",
        guards=[allow("coordinator")],
        status_code=200,
    )
    async def restore_curriculum(self, person_id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Curriculum]:
        return versioned(await queries.restore(person_id, required_version(if_match), actor))

    @post(
        "/{person_id:uuid}/assign",
        operation_id="AssignToCurriculum",
        summary="Assign a resource, or all resources of a topic or path",
        guards=[signed_in],
        status_code=200,
    )
    async def assign(
        self, person_id: UUID, data: Assign, actor: Actor, access: Access, content: Content, if_match: IfMatch = None
    ) -> Response[CurriculumAfterAssigning]:
        standing = await access.require(actor, person_id, "assign")
        version = required_version(if_match)
        resources = await content.resources(data, actor.token)
        return versioned(
            await commands.assign(person_id, version, actor, standing, resources, state=data.state, note=data.note)
        )

    @post(
        "/{person_id:uuid}/unassign",
        operation_id="UnassignMany",
        summary="Take several assignments out: all of them, or none",
        guards=[signed_in],
        status_code=200,
    )
    async def unassign_many(
        self, person_id: UUID, data: Unassign, actor: Actor, access: Access, if_match: IfMatch = None
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "unassign")
        ids = dict.fromkeys(data.assignment_ids)
        return await changed(person_id, if_match, actor, standing, lambda items, at: rules.unassign(items, at, *ids))


class AssignmentController(Controller):
    path = "/curricula/{person_id:uuid}/assignments/{assignment_id:uuid}"
    tags = ("assignments",)

    @post(
        "/start", operation_id="StartAssignment", summary="Say that one has begun", guards=[signed_in], status_code=200
    )
    async def start(
        self, person_id: UUID, assignment_id: UUID, actor: Actor, access: Access, if_match: IfMatch = None
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "start")
        return await changed(
            person_id, if_match, actor, standing, lambda items, at: rules.start(items, assignment_id, at)
        )

    @post("/unstart", operation_id="UnstartAssignment", summary="Undo starting it", guards=[signed_in], status_code=200)
    async def unstart(
        self, person_id: UUID, assignment_id: UUID, actor: Actor, access: Access, if_match: IfMatch = None
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "unstart")
        return await changed(
            person_id, if_match, actor, standing, lambda items, at: rules.unstart(items, assignment_id, at)
        )

    @post("/complete", operation_id="CompleteAssignment", summary="Complete it", guards=[signed_in], status_code=200)
    async def complete(
        self, person_id: UUID, assignment_id: UUID, actor: Actor, access: Access, if_match: IfMatch = None
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "complete")
        return await changed(
            person_id, if_match, actor, standing, lambda items, at: rules.complete(items, assignment_id, at)
        )

    @post(
        "/minutes",
        operation_id="StateMinutes",
        summary="Say about how long it took; null: nobody knows",
        guards=[signed_in],
        status_code=200,
    )
    async def state_minutes(
        self, person_id: UUID, assignment_id: UUID, data: Took, actor: Actor, access: Access, if_match: IfMatch = None
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "state_minutes")
        return await changed(
            person_id,
            if_match,
            actor,
            standing,
            lambda items, _: rules.state_minutes(items, assignment_id, data.minutes),
        )

    @post(
        "/stop",
        operation_id="StopAssignment",
        summary="Say that it isn't for the member: it leaves the plan, and stays as an outcome; `restore` undoes it",
        guards=[signed_in],
        status_code=200,
    )
    async def stop(
        self, person_id: UUID, assignment_id: UUID, actor: Actor, access: Access, if_match: IfMatch = None
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "stop")
        version = required_version(if_match)
        return versioned(await commands.stop(person_id, version, actor, standing, assignment_id))

    @post("/reopen", operation_id="ReopenAssignment", summary="Undo completing it", guards=[signed_in], status_code=200)
    async def reopen(
        self, person_id: UUID, assignment_id: UUID, actor: Actor, access: Access, if_match: IfMatch = None
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "reopen")
        return await changed(
            person_id, if_match, actor, standing, lambda items, at: rules.reopen(items, assignment_id, at)
        )

    @post(
        "/move",
        operation_id="MoveAssignment",
        summary="Move it to another place in later, next or now; to now plans it for the present period",
        description="If-Match isn't needed with `after`, which says a place whatever others moved.",
        guards=[signed_in],
        status_code=200,
    )
    async def move(
        self, person_id: UUID, assignment_id: UUID, data: Move, actor: Actor, access: Access, if_match: IfMatch = None
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "move")

        def rule(assignments: Assignments, stamp: Stamp) -> Assignments:
            return rules.move(
                assignments, assignment_id, stamp, state=data.state, position=data.position, after=data.after
            )

        if if_match is None and data.after is not UNSET:
            return versioned(await commands.change(person_id, None, actor, standing, rule))
        return await changed(person_id, if_match, actor, standing, rule)

    @post("/unassign", operation_id="Unassign", summary="Take it out", guards=[signed_in], status_code=200)
    async def unassign(
        self, person_id: UUID, assignment_id: UUID, actor: Actor, access: Access, if_match: IfMatch = None
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "unassign")
        return await changed(
            person_id, if_match, actor, standing, lambda items, at: rules.unassign(items, at, assignment_id)
        )

    @post(
        "/restore",
        operation_id="RestoreAssignment",
        summary="Undo taking it out: back to its former place",
        guards=[signed_in],
        status_code=200,
    )
    async def restore(
        self, person_id: UUID, assignment_id: UUID, actor: Actor, access: Access, if_match: IfMatch = None
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "restore")
        version = required_version(if_match)
        return versioned(await commands.restore_assignment(person_id, version, actor, standing, assignment_id))


class ProposalController(Controller):
    """What a member would like to be done with something that others added."""

    path = "/curricula/{person_id:uuid}/assignments/{assignment_id:uuid}"
    tags = ("proposals",)

    @post(
        "/propose",
        operation_id="ProposeChange",
        summary="Propose, as the member, to move or take out what others added",
        guards=[signed_in],
        status_code=200,
    )
    async def propose(
        self,
        person_id: UUID,
        assignment_id: UUID,
        data: Propose,
        actor: Actor,
        access: Access,
        if_match: IfMatch = None,
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "propose")

        def rule(assignments: Assignments, stamp: Stamp) -> Assignments:
            return rules.propose(assignments, assignment_id, stamp, change=data.change)

        return await changed(person_id, if_match, actor, standing, rule)

    @post(
        "/accept",
        operation_id="AcceptProposal",
        summary="Carry out what the member proposed",
        guards=[signed_in],
        status_code=200,
    )
    async def accept(
        self, person_id: UUID, assignment_id: UUID, actor: Actor, access: Access, if_match: IfMatch = None
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "accept")
        return await changed(
            person_id, if_match, actor, standing, lambda items, at: rules.accept(items, assignment_id, at)
        )

    @post(
        "/decline",
        operation_id="DeclineProposal",
        summary="Drop a proposal: decline it or, as the member, withdraw it",
        guards=[signed_in],
        status_code=200,
    )
    async def decline(
        self, person_id: UUID, assignment_id: UUID, actor: Actor, access: Access, if_match: IfMatch = None
    ) -> Response[Curriculum]:
        standing = await access.require(actor, person_id, "decline")
        return await changed(person_id, if_match, actor, standing, lambda items, _: rules.decline(items, assignment_id))


async def changed(
    person: UUID,
    if_match: str | None,
    actor: Actor,
    standing: Standing,
    rule: Callable[[Assignments, Stamp], Assignments],
) -> Response[Curriculum]:
    return versioned(await commands.change(person, required_version(if_match), actor, standing, rule))
