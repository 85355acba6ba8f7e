"""Runs are killed inside and around steps that somebody approved: the next run remembers what was approved, ends in the
schema of an undisturbed one, and does nothing twice."""

import itertools

import pytest

from ..scenario import HAZARDS, begin, change, rows_were_changed_once
from ..standing import AT_A_STEP, NO_STOP, dies_before_every_write, killed

pytestmark = pytest.mark.begins_early


@pytest.fixture
def people(checkout, database):
    """A database to copy at version 1.0.0.1; the files are those of version 2."""
    begin(checkout, database)
    change(checkout)
    return checkout


@pytest.fixture
def wanted(people, database, new_database):
    """The plan, what an undisturbed run makes of it, and how the command line says that it is approved."""
    planned = database.plan(people)
    other = new_database(database.url)
    other.apply(people, approve=planned.fingerprint)
    return planned, other.fingerprint(), ["--approve", planned.fingerprint]


@pytest.mark.deep
def test_a_run_that_dies_before_every_write_was_approved_once(people, database, starter, wanted):
    planned, fingerprint, approved = wanted
    assert {step.kind for step in planned.steps if step.hazards} == {"tx", "no_tx"}
    assert {hazard.kind for hazard in planned.hazards} == HAZARDS
    assert dies_before_every_write(database, people, starter, *approved) > len(planned.steps)
    assert database.fingerprint() == fingerprint
    assert database.done_twice() == []
    assert database.plan(people).empty
    rows_were_changed_once(database)


def stops(planned):
    """In each step that was approved, and around the index that takes another one's place."""
    for step in planned.steps:
        if step.hazards or step.builds:
            yield step.what, "done"
            if step.kind == "no_tx":
                yield step.what, "intent"


@pytest.mark.deep
def test_killed_inside_any_approved_step_it_resumes_however_it_is_started_again(
    people, database, new_database, starter, wanted, tmp_path
):
    """With the same approval, with the plan's file, or with nothing more, as the run remembers it."""
    planned, fingerprint, approved = wanted
    file = str(tmp_path / "plan.json")
    assert starter.start("plan", people, database.url, "--out", file).wait() == 0
    again = itertools.cycle((approved, ["--plan", file], []))
    count = 0
    for what, state in stops(planned):
        other = new_database(database.url)
        other.run(AT_A_STEP.replace("%s", "$a$%s$a$") % (what, state))
        assert killed(other, people, starter, *approved), what
        other.run(NO_STOP)
        command = starter.start("apply", people, other.url, *next(again))
        assert command.wait() == 0, f"{what}, {state}: {command.said}"
        assert other.fingerprint() == fingerprint, f"{what}, {state}"
        assert other.done_twice() == []
        rows_were_changed_once(other)
        count += 1
    assert count >= 12


def test_what_was_approved_for_a_dead_run_is_not_approved_for_another_configuration(people, database, starter, wanted):
    _, _, approved = wanted
    database.run(AT_A_STEP.replace("%s", "$a$%s$a$") % ("drop column old", "done"))
    assert killed(database, people, starter, *approved)
    database.run(NO_STOP)
    people.collection("pet", "3.0.0.0")
    command = starter.start("apply", people, database.url, *approved)
    assert command.wait() == 3
    assert "no longer has the column owner_id" in command.said
    assert "no longer has the column old" in command.said
    assert "old" in database.tables()["person"].columns
