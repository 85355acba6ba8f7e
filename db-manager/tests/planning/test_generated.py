"""Pairs that nobody thought of: a database is made up, filled, and becomes what somebody's edits make of it, or quite
another (generated.py, edits.py); judge.py says what must come of its rows.

CI looks at a few. To hunt, say how many and which: each number is one pair, and a failure names its own.

    GATEHOUSE_PAIRS=500 GATEHOUSE_PAIRS_FROM=1000 ./local/test deep db-manager -k nobody
"""

import json
import os
import re
from random import Random

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gatehouse_db_manager import ConfigurationError, FailedError, RefusedError, api, apply, plan

from .. import judge
from ..edits import edited
from ..found import FOUND
from ..generated import made_up
from ..shapes import dump

HUNTED = int(os.environ.get("GATEHOUSE_PAIRS", "100"))
FIRST = int(os.environ.get("GATEHOUSE_PAIRS_FROM", "0"))


def pair_of(number):
    random = Random(number)
    one = made_up(random)
    other = edited(random, one) if random.random() < 0.8 else made_up(random)
    return (other, one) if random.random() < 0.1 else (one, other)


def approved(database, after):
    """With every approval that the plan asks for; then nothing is left to do."""
    planned = plan(database.url, after)
    apply(database.url, after, approve=planned.fingerprint)
    again = plan(database.url, after)
    assert again.empty, [step.what for step in again.steps]
    assert api.drift(database.url, after) == ()
    return planned


def holds(checkout, new_database, one, other, *, seed=1, count=3):
    """The pair is right, both where B holds the rows and where it can't. What no file may say is no pair."""
    database, made = new_database(), new_database()
    try:
        judge.write(checkout, one, 0)
        after = judge.write(checkout, other, 1)
    except ConfigurationError:
        return
    apply(made.url, after)
    apply(database.url, judge.write(checkout, one, 0))
    after = judge.write(checkout, other, 1)
    judge.fill(database, one, Random(seed), count)
    before, types, start = judge.rows(database), judge.types(database), dump(database.url)
    expected = judge.expected(made, before, types, one, other)
    held = not isinstance(expected, psycopg.Error)
    try:
        planned = approved(database, after)
    except RefusedError as error:
        assert not held, f"refused, though B holds the rows: {error}"
        assert dump(database.url) == start, "refused, but not all is as it was"
        database.run(f"truncate {', '.join(f'person.{table}' for table in one)} cascade")
        approved(database, after)
    except FailedError as error:
        assert not held, f"failed, though B holds the rows: {error}"
        assert isinstance(error.__cause__, psycopg.IntegrityError | psycopg.DataError), error
        if not _renames(other):
            approved(database, judge.write(checkout, one, 2))
            assert dump(database.url) == start, "taken back, but not all is as it was"
        return
    else:
        assert held, f"done, though B can't hold the rows: {expected}"
        judge.compare(expected, judge.rows(database), one, other, types, judge.types(database))
        asked = " ".join(hazard.key for hazard in planned.hazards)
        for name in judge.lost(before, one, other, judge.types(database), types):
            assert re.search(rf"(drop|generated|rename) person\.{name}\b", asked), f"{name} is lost unasked: {asked}"
    assert dump(database.url) == dump(made.url)


def _renames(databases):
    columns = [column for content in databases.values() for column in content["columns"].values()]
    return any("renamed_from" in one for one in (*databases.values(), *columns))


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.sampled(8)
def test_a_pair_that_was_once_wrong_is_right(checkout, new_database, name):
    holds(checkout, new_database, *FOUND[name])


@settings(
    max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)
@given(number=st.integers(0, 2**32))
def test_any_made_up_pair_is_right(checkout, new_database, number):
    holds(checkout, new_database, *pair_of(number), seed=number, count=number % 4)


@pytest.mark.deep
@pytest.mark.parametrize("number", range(FIRST, FIRST + HUNTED))
def test_what_nobody_thought_of_is_right(checkout, new_database, number):
    one, other = pair_of(number)
    try:
        holds(checkout, new_database, one, other, seed=number, count=number % 4)
    except Exception as error:
        error.add_note(f"A = {json.dumps(one)}\nB = {json.dumps(other)}")
        raise
