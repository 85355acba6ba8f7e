"""Rows are looked at before a rule is promised: rows that violate it are a refusal, with their number and one of them;
and rows of new tables are there before the keys that need them."""

import pytest

from gatehouse_db_manager import FailedError, RefusedError

COLUMNS = {
    "id": {"type": "bigint", "primary": True},
    "n": {"type": "text"},
    "up": {"type": "bigint"},
}


def shelf(checkout, version="1.0.0.0", **more):
    content = {"collection": "item", "description": "d", "version": version, "columns": COLUMNS, **more}
    checkout.write("services/person/database/collections/item.yaml", content)


@pytest.fixture
def item(checkout, database):
    shelf(checkout)
    database.apply(checkout)
    database.run("insert into person.item values (1, 'a', 7), (2, 'a', 8), (3, null, null)")
    return checkout


def column(name, **more):
    return {"columns": COLUMNS | {name: COLUMNS.get(name, {}) | more}}


RULES = {
    "unique": (column("n", unique=True), "2 rows violate it, such as a."),
    "unique where": ({"unique": {"u": {"columns": ["n"], "where": "up > 1"}}}, "2 rows violate it, such as a."),
    "nulls": ({"unique": {"u": {"columns": ["up"], "nulls": "not_distinct"}}}, ""),
    "an index": ({"indexes": {"i": {"expressions": ["lower(n)"], "unique": True}}}, "2 rows violate it, such as a."),
    "a check": ({"checks": {"low": "up < 8"}}, "1 row violates it, such as id = 2."),
    "a check that fails": ({"checks": {"c": "10 / (up - 8) < 99"}}, "can't be evaluated for some rows"),
    "a check that holds": ({"checks": {"low": "up < 9"}}, ""),
    "a quoted check": ({"checks": {"c": "n <> ') or (a'"}}, ""),
    "a foreign key": ({"foreign_keys": {"f": {"columns": ["up"], "to": "item"}}}, "2 rows violate it, such as"),
    "an exclusion": ({"exclusions": {"e": {"elements": {"n": "="}, "using": "hash"}}}, "2 rows violate it, such as"),
    "a key": ({"columns": COLUMNS | {"id": {"type": "bigint"}}, "primary_key": ["n"]}, "2 rows violate it, such as a."),
    "a new column": (
        {"columns": COLUMNS | {"k": {"type": "integer", "default": 5}}, "checks": {"low": "k < 3"}},
        "3 rows violate it, such as",
    ),
    "a new unique column": (column("k", type="integer", default=5, unique=True), "3 rows violate it, such as 5."),
    "a renamed column": (
        {
            "columns": {"id": COLUMNS["id"], "n": COLUMNS["n"], "size": {"type": "bigint", "renamed_from": "up"}},
            "checks": {"low": "size < 8"},
        },
        "1 row violates it, such as id = 2.",
    ),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.sampled(3)
def test_a_rule_that_rows_violate_is_refused_with_their_number_and_one_of_them(item, database, rule):
    more, expected = RULES[rule]
    before = database.fingerprint()
    shelf(item, "2.0.0.0", **more)
    planned = database.plan(item)
    refused = [problem.message for problem in planned.refusals if "adds the" in problem.message]
    if expected:
        assert any(expected in message for message in refused), planned.refusals
        with pytest.raises(RefusedError):
            database.apply(item, approve=planned.fingerprint)
        assert database.fingerprint() == before
    else:
        assert refused == []
        database.apply(item, approve=planned.fingerprint)
        assert database.plan(item).empty


@pytest.mark.usefixtures("unseen_rows")
def test_rows_that_come_after_the_look_still_fail_and_leave_nothing(item, database):
    shelf(item, "1.1.0.0", **column("n", unique=True))
    before = database.tables()
    with pytest.raises(FailedError, match="Change the duplicate rows"):
        database.apply(item)
    assert database.tables() == before


def lookup(checkout, rows):
    shelf(checkout, "1.1.0.0", foreign_keys={"on": {"columns": ["up"], "to": "shelf"}})
    columns = {"id": {"type": "bigint", "primary": True}}
    content = {"collection": "shelf", "description": "d", "version": "1.0.0.0", "columns": columns}
    checkout.write("services/person/database/collections/shelf.yaml", content)
    checkout.rows(rows, "shelf", kind="reference")


def test_a_lookup_table_its_rows_and_the_key_to_it_come_in_one_change(item, database):
    lookup(item, [{"id": 7}, {"id": 8}])
    assert database.plan(item).refusals == ()
    database.apply(item)
    assert database.value("select count(*) from person.shelf") == 2
    assert database.plan(item).empty


def test_a_value_that_the_new_rows_lack_is_refused(item, database):
    lookup(item, [{"id": 7}])
    with pytest.raises(RefusedError, match=r"adds the foreign key item_on: 1 row violates it, such as id = 2"):
        database.apply(item)
    assert "shelf" not in database.tables()
