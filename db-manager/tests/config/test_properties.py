"""Whatever the configuration: applied it is in place, and grown step by step it equals one made at once."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatehouse_db_manager import apply, plan, reset

COLUMNS = {
    "nick": {"type": "word"},
    "email": {"type": "email"},
    "visits": {"type": "count", "required": True, "default": 0},
    "fee": {"type": "money"},
    "made": {"type": "breadcrumb"},
    "tags": {"type": "text_list", "required": True, "default": []},
    "details": {"type": "document", "schema": {"type": "object"}},
    "spent": {"type": "duration"},
    "active": {"type": "boolean", "required": True, "default": True},
    "born": {"type": "date"},
    "boss_id": {"type": "reference", "to": "person"},
    "resource_id": {"type": "reference", "to": "topics.resource"},
    "score": {"type": "number", "default": 1.5},
    "status": {"type": "enum", "of": "status", "required": True, "default": "a"},
    "moods": {"type": "enum_list", "of": "mood"},
}
# What may stand beside the columns it needs.
EXTRAS = {
    "checks": {"short": (["name"], "char_length(name) < 99"), "few": (["visits"], "visits < 99")},
    "unique": {
        "nick_once": (["nick"], {"columns": ["nick"]}),
        "one_active": (["active", "nick"], {"columns": ["nick"], "where": "active"}),
        "name_email": (["email"], {"columns": ["name", "email"], "nulls": "not_distinct"}),
    },
    "indexes": {
        "by_name": ([], {"columns": ["name desc", "id"]}),
        "by_tags": (["tags"], {"columns": ["tags"], "method": "gin"}),
        "by_lower": (["email"], {"expressions": ["lower(email)"], "where": "email is not null"}),
        "by_born": (["born", "visits"], {"columns": ["born"], "include": ["visits"], "unique": False}),
    },
}
ENUMERATORS = {1: {"status": ["a", "b"], "mood": ["x"]}, 2: {"status": ["a", "b", "c"], "mood": ["x", "y"]}}


@st.composite
def growth(draw):
    """A list of configurations in which each contains the one before."""
    stages = []
    columns: list[str] = []
    extras: set[str] = set()
    snapshot = draw(st.sampled_from([1, 2]))
    everything = sorted(f"{kind}.{name}" for kind, listed in EXTRAS.items() for name in listed)
    for number in range(draw(st.integers(2, 3))):
        left = [name for name in COLUMNS if name not in columns]
        columns = [*columns, *draw(st.lists(st.sampled_from(left), unique=True, max_size=5))] if left else columns
        extras = extras | draw(st.sets(st.sampled_from(everything), max_size=4))
        snapshot = max(snapshot, draw(st.sampled_from([1, 2])))
        stages.append(_stage(number, columns, extras, snapshot))
    return stages


def _stage(number, columns, extras, snapshot):
    more = {
        kind: {
            name: what
            for name, (needs, what) in listed.items()
            if f"{kind}.{name}" in extras and all(need in {"name", *columns} for need in needs)
        }
        for kind, listed in EXTRAS.items()
    }
    return {"version": f"1.{number}.0.{snapshot}", "columns": {name: COLUMNS[name] for name in columns}, **more}


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stages=growth(), rows=st.integers(0, 3))
def test_growing_step_by_step_equals_making_it_at_once(checkout, database, stages, rows):
    _grows(checkout, database, stages, rows)


@pytest.mark.deep
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stages=growth(), rows=st.integers(0, 3))
def test_a_hundred_times_growing_equals_making_it_at_once(checkout, database, stages, rows):
    _grows(checkout, database, stages, rows)


def _grows(checkout, database, stages, rows):
    for number, values in ENUMERATORS.items():
        checkout.enumerators(number, **values)
    for number, stage in enumerate(stages):
        checkout.collection(**stage)
        configuration = checkout.load()
        if number == 0:
            reset(database.url, configuration)
        apply(database.url, configuration)
        assert plan(database.url, configuration).empty
        if number == 0 and rows:
            database.people(rows)
    grown = database.tables()
    reset(database.url, configuration)
    apply(database.url, configuration)
    assert database.tables() == grown
