"""A curriculum with the names of what is in it: assembled from curriculum, topics and person in few parallel calls."""

import asyncio
import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import ApiProblem, NotFound
from gatehouse_portal.areas.learning.actions import Offer, offer_of
from gatehouse_portal.areas.learning.structs import (
    Assignment,
    Curriculum,
    Named,
    Person,
    PlanForecast,
    Planning,
    PlanText,
    PlanTexts,
    Resource,
)
from gatehouse_portal.shell.peers import Away, Peers, by_id, or_away, or_none

NOBODY = UUID(int=0)
# People whose names one page asks for. A curriculum has a mentor or two, and now and then a coordinator.
MOST_NAMES = 10
# As many as curriculum forecasts at once.
MOST_FORECAST = 200
# For those whose names the reader may not see.
STANDINGS = {"self": "the member", "mentorship": "a former mentor", "coordination": "a coordinator"}


class Item(msgspec.Struct, frozen=True):
    """An assignment and its resource; None when topics doesn't answer (or has it no longer).

    `may_move`, `may_remove`: the reader needn't propose it; `learner`: the reader is the member.
    """

    assignment: Assignment
    resource: Resource | None
    learner: bool = False
    may_move: bool = False
    may_remove: bool = False

    @property
    def name(self) -> str:
        if self.resource:
            return self.resource.name
        return self.assignment.resource_name or "A resource whose name can’t be shown right now"

    @property
    def offer(self) -> Offer:
        return offer_of(
            self.assignment.state,
            started=self.assignment.started_at is not None,
            learner=self.learner,
            may_move=self.may_move,
            may_remove=self.may_remove,
        )

    @property
    def place(self) -> str:
        """Where it is, as `actions.place_of` reads it."""
        one = self.assignment
        started, own = "started" if one.started_at else "", "own" if self.may_remove else ""
        return f"{one.state}:{one.position}:{started}:{own}:{one.proposed_change or ''}"


class TopicGroup(msgspec.Struct, frozen=True):
    """Consecutive items of one topic."""

    key: str
    name: str
    items: list[Item]


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a curriculum shows. `edits`: plans everything; `learns`: may start, complete, reopen and add.

    `names`: what to call the people behind accounts; `at`: when the page was made. `close`: the reader is the member or
    their mentor, for whom alone the `forecast` of what is now is; none where curriculum gave none. `texts`: the plan's
    prose, none where the reader may not write it; `own_texts`: what the reader wrote over a text that had changed.
    """

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
    names: dict[UUID, str] = {}
    at: datetime = datetime.min.replace(tzinfo=UTC)
    close: bool = False
    forecast: PlanForecast | None = None
    texts: dict[str, PlanText] | None = None
    own_texts: dict[str, str] = {}

    def by(self, account: UUID | None) -> str:
        """Who that was, in a sentence."""
        return self.names.get(account, "somebody") if account else "somebody"

    def why(self, items: Sequence[Item]) -> str:
        """Where the forecast of what is now is explained."""
        listed = "&".join(f"item={item.assignment.id}" for item in items)
        return f"/members/{self.person_id}/forecast?coming=no&{listed}"

    @property
    def later_items(self) -> list[Item]:
        return [item for group in self.later for item in group.items]

    @property
    def planning(self) -> Planning:
        return self.curriculum.planning if self.curriculum else Planning()

    @property
    def is_over(self) -> bool:
        """Whether the period that was committed last has ended."""
        period = self.planning.period
        return period is not None and period.ends_at <= self.at

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
    view = View(
        person_id=person_id, name=name, person=known, own=own, edits=edits, at=datetime.now(UTC), close=own or mentors
    )
    return view if curriculum is None else await _with_names(peers, actor, view, curriculum)


async def _with_names(peers: Peers, actor: Actor, view: View, curriculum: Curriculum) -> View:
    resource_ids = {assignment.resource_id for assignment in curriculum.all()}
    ahead = [*curriculum.next, *curriculum.later]
    topic_ids = {assignment.topic_id for assignment in ahead if assignment.topic_id}
    resources, topics, names, forecast, texts = await asyncio.gather(
        or_away(by_id(peers, "resources", resource_ids, Resource)),
        or_away(by_id(peers, "topics", topic_ids, Named)),
        _names_of(peers, actor, view, curriculum),
        forecast_of(peers, view.person_id, [one.id for one in curriculum.now]) if view.close else no_forecast(),
        or_away(or_none(peers.get("curriculum", f"/api/curriculum/curricula/{view.person_id}/texts", PlanTexts))),
    )
    mine = {one.account_id for one in curriculum.people if one.person_id == view.person_id} if view.own else set()
    known = {} if isinstance(resources, Away) else resources
    named = {} if isinstance(topics, Away) else {id: topic.name for id, topic in topics.items()}

    def items(assignments: Iterable[Assignment]) -> list[Item]:
        return [item(one) for one in assignments]

    def item(one: Assignment) -> Item:
        may_remove = view.edits or one.assigned_by in mine
        may_move = may_remove or (one.state == "now" and one.planned_by in mine)
        return Item(one, known.get(one.resource_id), view.own and not view.edits, may_move, may_remove)

    return msgspec.structs.replace(
        view,
        curriculum=curriculum,
        now=items(curriculum.now),
        next=items(curriculum.next),
        next_groups=grouped(items(curriculum.next), named),
        later=grouped(items(curriculum.later), named),
        completed=items(curriculum.completed),
        names=names,
        away=resources if isinstance(resources, Away) else None,
        forecast=forecast,
        texts=texts.texts if isinstance(texts, PlanTexts) else None,
        own_texts={},
    )


async def forecast_of(
    peers: Peers,
    person_id: UUID,
    assignments: Sequence[UUID] = (),
    resources: Sequence[UUID] = (),
    *,
    until: str | None = None,
    coming: bool = False,
) -> PlanForecast | None:
    """How long a list takes the member; None for none, for too long a one, and where curriculum says nothing of it."""
    if not 0 < len(assignments) + len(resources) <= MOST_FORECAST:
        return None
    body = {
        "assignment_ids": [str(id) for id in assignments],
        "resource_ids": [str(id) for id in resources],
        "until": until,
        "coming": coming,
    }
    path = f"/api/curriculum/curricula/{person_id}/forecast"
    try:
        return await peers.ask("curriculum", "POST", path, PlanForecast, json=body)
    except ApiProblem:
        return None  # a page is as useful without it


async def no_forecast() -> PlanForecast | None:
    return None


async def _names_of(peers: Peers, actor: Actor, view: View, curriculum: Curriculum) -> dict[UUID, str]:
    """For each account that did something to what is shown: “you”, a name, or else what they are to the member."""
    shown = {curriculum.planning.stated_by}
    if curriculum.planning.period:
        shown.add(curriculum.planning.period.committed_by)
    for one in curriculum.all():
        shown |= {one.assigned_by, one.planned_by, one.started_by, one.completed_by, one.proposed_by}
    people = [one for one in curriculum.people if one.account_id in shown]
    unknown = [one.person_id for one in people if one.person_id not in (None, view.person_id, actor.person)]
    wanted = list(dict.fromkeys(unknown))[:MOST_NAMES]
    answers = await asyncio.gather(
        *(or_away(or_none(peers.get("person", f"/api/person/people/{id}", Person))) for id in wanted)
    )
    names = {person.id: person.name for person in answers if isinstance(person, Person)}
    names[view.person_id] = view.name
    if actor.person:
        names[actor.person] = "you"
    return {
        one.account_id: names.get(one.person_id or NOBODY) or STANDINGS.get(one.standing, "somebody") for one in people
    }


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
        if assignment.proposed_at and assignment.proposed_at > moment:
            changes.append(f"A change was proposed for “{item.name}”")
        elif assignment.completed_at and assignment.completed_at > moment:
            changes.append(f"“{item.name}” was completed")
        elif assignment.started_at and assignment.started_at > moment:
            changes.append(f"“{item.name}” was started")
        elif assignment.planned_at and assignment.planned_at > moment:
            changes.append(f"“{item.name}” was planned for now")
        elif assignment.assigned_at > moment:
            changes.append(f"“{item.name}” was assigned")
    return changes
