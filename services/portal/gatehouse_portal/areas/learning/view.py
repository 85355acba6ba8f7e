"""A curriculum with the names of what is in it: assembled from curriculum, topics and person in few parallel calls."""

import asyncio
import itertools
from collections.abc import Awaitable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_portal.areas.learning.structs import Assignment, Curriculum, Named, Person, Resource
from gatehouse_portal.shell.peers import Away, Peers, or_away
from gatehouse_portal.shell.structs import Page

T = TypeVar("T", Resource, Named)
Answer = TypeVar("Answer")
# As many ids as topics takes in one request (gatehouse_chassis.lists.filters.MOST_VALUES).
BATCH = 50


class Item(msgspec.Struct, frozen=True):
    """An assignment and its resource; None when topics doesn't answer (or has it no longer)."""

    assignment: Assignment
    resource: Resource | None

    @property
    def name(self) -> str:
        return self.resource.name if self.resource else "A resource whose name can’t be shown right now"


class TopicGroup(msgspec.Struct, frozen=True):
    """Consecutive items of one topic."""

    key: str
    name: str
    items: list[Item]


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a curriculum shows. `edits`: may assign and rearrange; `learns`: may start, complete, reopen."""

    person_id: UUID
    name: str
    person: Person | None
    own: bool
    edits: bool
    curriculum: Curriculum | None = None
    now: list[Item] = []
    next: list[Item] = []
    next_groups: list[TopicGroup] = []
    later: list[TopicGroup] = []
    completed: list[Item] = []
    away: Away | None = None

    @property
    def learns(self) -> bool:
        return (self.own or self.edits) and self.curriculum is not None and self.curriculum.archived_at is None

    @property
    def call(self) -> str:
        """What to call the person in a sentence."""
        return (self.person.preferred_name if self.person else None) or self.name.split(" ", 1)[0]


async def view_of(peers: Peers, actor: Actor, person_id: UUID) -> View:
    """A person with their curriculum, or only their profile where that is all that the actor may see.

    Raises NotFound when the actor may see neither, Away when curriculum doesn't answer.
    """
    curriculum, person = await asyncio.gather(
        or_none(peers.get("curriculum", f"/api/curriculum/curricula/{person_id}", Curriculum)),
        or_away(or_none(peers.get("person", f"/api/person/people/{person_id}", Person))),
    )
    known = person if isinstance(person, Person) else None
    own = actor.is_person(person_id)
    mentors = actor.has("mentor") and known is not None and actor.is_person(known.mentor_id)
    edits = actor.has("coordinator") or mentors
    # Without a status it is only the public part that the actor may see; then there is no page.
    profile = known is not None and known.status is not None
    if curriculum is None and not own and not (known is not None and edits) and not profile:
        raise NotFound
    name = known.name if known else actor.name if own else "A member"
    view = View(person_id=person_id, name=name, person=known, own=own, edits=edits)
    return view if curriculum is None else await _with_names(peers, view, curriculum)


async def _with_names(peers: Peers, view: View, curriculum: Curriculum) -> View:
    resource_ids = {assignment.resource_id for assignment in curriculum.all()}
    ahead = [*curriculum.next, *curriculum.later]
    topic_ids = {assignment.topic_id for assignment in ahead if assignment.topic_id}
    resources, topics = await asyncio.gather(
        or_away(by_id(peers, "resources", resource_ids, Resource)),
        or_away(by_id(peers, "topics", topic_ids, Named)),
    )
    known = {} if isinstance(resources, Away) else resources
    names = {} if isinstance(topics, Away) else {id: topic.name for id, topic in topics.items()}

    def items(assignments: Iterable[Assignment]) -> list[Item]:
        return [Item(assignment, known.get(assignment.resource_id)) for assignment in assignments]

    return msgspec.structs.replace(
        view,
        curriculum=curriculum,
        now=items(curriculum.now),
        next=items(curriculum.next),
        next_groups=grouped(items(curriculum.next), names),
        later=grouped(items(curriculum.later), names),
        completed=items(curriculum.completed),
        away=resources if isinstance(resources, Away) else None,
    )


def grouped(items: Sequence[Item], names: dict[UUID, str]) -> list[TopicGroup]:
    """Runs of items of one topic, in order."""
    groups = []
    for topic, run in itertools.groupby(items, key=lambda item: item.assignment.topic_id):
        together = list(run)
        name = names.get(topic, "Other topics") if topic else "Single resources"
        groups.append(TopicGroup(f"group-{together[0].assignment.id}", name, together))
    return groups


def changed_since(view: View, moment: datetime | None) -> list[str]:
    """What others did to the curriculum after `moment`, in words; moves and removals leave no time to tell by."""
    if moment is None or view.curriculum is None:
        return []
    shown = [*view.now, *view.next, *(item for group in view.later for item in group.items), *view.completed]
    changes = []
    for item in shown:
        assignment = item.assignment
        if assignment.completed_at and assignment.completed_at > moment:
            changes.append(f"“{item.name}” was completed")
        elif assignment.started_at and assignment.started_at > moment:
            changes.append(f"“{item.name}” was started")
        elif assignment.assigned_at > moment:
            changes.append(f"“{item.name}” was assigned")
    return changes


async def by_id(peers: Peers, what: str, ids: Iterable[UUID], kind: type[T]) -> dict[UUID, T]:
    """Resources, topics or paths of topics, however many."""
    wanted = sorted(map(str, ids))
    batches = [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]
    page_of_kind: Any = Page[kind]  # ty: ignore[invalid-type-form] - a type made while running
    pages = await asyncio.gather(
        *(peers.get("topics", f"/api/topics/{what}", page_of_kind, id=batch, limit=BATCH) for batch in batches)
    )
    return {item.id: item for page in pages for item in page.items}


async def or_none(answer: Awaitable[Answer]) -> Answer | None:
    """None for what isn't there."""
    try:
        return await answer
    except NotFound:
        return None
