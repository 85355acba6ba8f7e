"""What may happen to an encounter in which state. Pure functions: no database, no HTTP."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_encounter.access import Standing
from gatehouse_encounter.encounter.structs import EncounterRow, FinishedEncounter
from gatehouse_encounter.script.structs import Prompt
from gatehouse_encounter.text.structs import Amendment, Answer

LONGEST = timedelta(hours=12)
EARLIEST, LATEST = 1900, 2199


def refuse_times(begins: datetime, ends: datetime) -> None:
    errors = {}
    for name, moment in (("planned_from", begins), ("planned_to", ends)):
        if not EARLIEST <= moment.year <= LATEST:
            errors[name] = f"a time in the years {EARLIEST} to {LATEST}"
    if not errors and not timedelta() < ends - begins <= LONGEST:
        errors["planned_to"] = "an encounter ends after it begins, within 12 hours"
    if errors:
        raise Invalid(errors)


def refuse_change(encounter: EncounterRow) -> None:
    if encounter.state != "planned":
        raise Conflict("Only an encounter that hasn't begun can be changed.")


def refuse_opening(encounter: EncounterRow) -> None:
    if encounter.state != "planned":
        raise Conflict("This encounter has begun already, or is over.")


def refuse_finishing(
    encounter: EncounterRow, prompts: Sequence[Prompt], answers: Sequence[Answer], new: FinishedEncounter
) -> None:
    """Raises Conflict unless it is open, Invalid where something that it needs is missing or makes no sense."""
    if encounter.state != "open":
        raise Conflict("Only an encounter that is being held can be finished.")
    known = {one.prompt_key: one for one in answers}
    errors = {
        f"answers.{one.key}": "this prompt needs an answer"
        for one in prompts
        if one.required and one.key in known and not (known[one.key].text.strip() or known[one.key].value)
    }
    if len(set(new.now_list)) < len(new.now_list):
        errors["now_list"] = "names an assignment twice"
    if new.held_from and new.held_to and not timedelta() <= new.held_to - new.held_from <= LONGEST:
        errors["held_to"] = "it ended after it began, within 12 hours"
    for name in ("held_from", "held_to"):
        moment = getattr(new, name)
        if moment is not None and not EARLIEST <= moment.year <= LATEST:
            errors[name] = f"a time in the years {EARLIEST} to {LATEST}"
    if errors:
        raise Invalid(errors)
    if new.next is not None:
        refuse_times(new.next.planned_from, new.next.planned_to)


def refuse_no_show(encounter: EncounterRow, now: datetime) -> None:
    if encounter.state not in ("planned", "open"):
        raise Conflict("This encounter is over already.")
    if encounter.planned_from > now:
        raise Conflict("It is planned for later. Cancel it, or change its time.")


def refuse_cancelling(encounter: EncounterRow) -> None:
    if encounter.state not in ("planned", "open"):
        raise Conflict("This encounter is over already.")


def refuse_amending(encounter: EncounterRow) -> None:
    if encounter.state != "finished":
        raise Conflict("Only a finished encounter is amended.")


def sees_texts(standing: Standing, encounter: EncounterRow) -> bool:
    """Whether the caller sees what is shared of it: its mentor always, others once it is over."""
    return standing == "author" or encounter.state == "finished"


def shown_answers(standing: Standing, encounter: EncounterRow, answers: Sequence[Answer]) -> list[Answer]:
    if standing == "author":
        return list(answers)
    if not sees_texts(standing, encounter):
        return []
    return [one for one in answers if one.audience == "shared"]


def shown_amendments(standing: Standing, shown: Sequence[Answer], amendments: Sequence[Amendment]) -> list[Amendment]:
    """`shown`: the answers that the caller sees. Of what isn't shared, now or then, nobody else sees a change."""
    if standing == "author":
        return list(amendments)
    keys = {one.prompt_key for one in shown}
    return [one for one in amendments if one.audience == "shared" and one.prompt_key in keys]


def first_read(standing: Standing, encounter: EncounterRow) -> bool:
    """Whether the reader is the member, who reads it for the first time."""
    return (
        standing == "member"
        and encounter.state == "finished"
        and encounter.outcome == "held"
        and encounter.member_read_at is None
    )
