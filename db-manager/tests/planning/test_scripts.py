"""Pairs of configurations that differ in what people write in repeatable/: both ways, a changed database equals one
that was made so, and what somebody did by hand is still there."""

import pytest

from gatehouse_db_manager import FailedError
from gatehouse_db_manager.config.script_text import statements

from ..shapes import dump, write_shape
from .test_pairs import change

VISITS = {"visits": {"type": "integer"}}
TWICE = "create function twice(n integer) returns integer language sql immutable as 'select n * 2';"
PLAIN = {"columns": VISITS}
OLD = {"columns": {"email": {"type": "text"}}}
# The index is refused otherwise: it belongs in the collection's file.
EXCEPTION = "\n-- squawk-ignore require-concurrent-index-creation\n"
ABOUT = (
    "alter table {t} enable row level security; create policy p on {t} using (true); grant select on {t} to pg_monitor;"
    "create rule quiet as on delete to {t} do instead nothing; create statistics s on id, name from {t};"
    + EXCEPTION
    + "create index extra on {t} (name); create function label(one {t}) returns text language sql as 'select one.name';"
    "create trigger t before update on {t} for each row execute function suppress_redundant_updates_trigger();"
    "comment on constraint {t}_primary_key on {t} is 'the key';"
)

PAIRS = {
    "a function in a check": (
        PLAIN,
        {**PLAIN, "checks": {"few": "person.twice(visits) < 99"}, "scripts": {"all": TWICE}},
    ),
    "a function in a default": (
        PLAIN,
        {
            "columns": {"visits": {"type": "integer", "default": {"expression": "person.twice(4)"}}},
            "scripts": {"all": TWICE},
        },
    ),
    "a function in a generated column, and a view of that": (
        PLAIN,
        {
            "columns": {**VISITS, "double": {"type": "integer", "generated": "person.twice(visits)"}},
            "scripts": {"all": TWICE + "create view doubles as select double from person"},
        },
    ),
    "functions in an index and an exclusion, of a type and each other": (
        PLAIN,
        {
            **PLAIN,
            "indexes": {"by_more": {"expressions": ["person.more(visits)"]}},
            "exclusions": {"apart": {"elements": {"person.twice(visits)": "="}, "using": "btree"}},
            "scripts": {
                "a": "create function more(n low) returns integer language sql immutable as 'select person.twice(n)';",
                "b": "create domain low as integer check (value < 99);" + TWICE,
            },
        },
    ),
    "another body of a function in use": (
        {**PLAIN, "checks": {"few": "person.twice(visits) < 99"}, "scripts": {"all": TWICE}},
        {**PLAIN, "checks": {"few": "person.twice(visits) < 99"}, "scripts": {"all": TWICE.replace("2", "3")}},
    ),
    "a table and a view by one name": (
        {**OLD, "others": {"pet": {}}, "scripts": {"other": "create view seen as select email from person"}},
        {"columns": {}, "scripts": {"all": "create view pet as select id, name from person"}},
    ),
    "the old name of a table as a view": (
        {"columns": {}, "others": {"pet": {"renamed_from": "animal"}}},
        {
            "columns": {},
            "others": {"animal": {"renamed_from": "pet"}},
            "scripts": {"all": "create view pet as select id, name from animal"},
        },
    ),
    "what is about a renamed table": (
        {"columns": {}, "others": {"pet": {"renamed_from": "animal"}}, "scripts": {"all": ABOUT.format(t="pet")}},
        {"columns": {}, "others": {"animal": {"renamed_from": "pet"}}, "scripts": {"all": ABOUT.format(t="animal")}},
    ),
    "nothing about a renamed table": (
        {"columns": {}, "others": {"pet": {"renamed_from": "animal"}}, "scripts": {"all": ABOUT.format(t="pet")}},
        {"columns": {}, "others": {"animal": {"renamed_from": "pet"}}},
    ),
    "an index, an operator, options and default rights": (
        {
            **PLAIN,
            "scripts": {
                "all": TWICE
                + "create operator #! (rightarg = integer, function = twice);"
                + EXCEPTION
                + "create index extra on person (name); alter table person set (fillfactor = 70);"
                "alter default privileges in schema person grant select on tables to pg_monitor;"
                "create sequence mine owned by person.visits;"
            },
        },
        {**PLAIN, "scripts": {"all": EXCEPTION + "create index extra on person (visits);"}},
    ),
    "an index of a generated column beside scripts": (
        {
            "columns": {"low": {"type": "text", "generated": "lower(name)"}},
            "indexes": {"by_low": {"columns": ["low"]}},
            "scripts": {"pet": "create view all_names as select name from person"},
            "others": {"pet": {}},
        },
        {"columns": {"low": {"type": "text", "generated": "upper(name)"}}, "indexes": {"by_low": {"columns": ["low"]}}},
    ),
    "files in any order": (
        PLAIN,
        {
            **PLAIN,
            "scripts": {
                "a": "create view one as select * from two;",
                "b": "create view two as select person.three() as n from person;",
                "c": "create function three() returns int language sql as 'select 3';",
            },
        },
    ),
    "less and more for its own roles": (
        {**PLAIN, "scripts": {"all": "revoke update, delete on person from person_service;"}},
        {**PLAIN, "scripts": {"all": "grant truncate, update (name) on person to person_reader;"}},
    ),
    "roles that change places": (
        {**PLAIN, "roles": {"service": "pairs_service", "reader": "pairs_reader"}},
        {**PLAIN, "roles": {"service": "pairs_reader", "reader": "pairs_service"}},
    ),
    "a sequence that a script made": (
        {**PLAIN, "scripts": {"all": "create sequence ticket;"}},
        {**PLAIN, "sequences": {"ticket": {}}},
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("way", [1, -1], ids=["there", "back"])
@pytest.mark.sampled(5)
def test_a_changed_database_equals_one_made_so(checkout, new_database, name, way):
    if (name, way) == ("a sequence that a script made", -1):
        pytest.skip("the file's sequence has to go in a version of its own")
    one, other = PAIRS[name][::way]
    made, database = new_database(), new_database()
    write_shape(checkout, one, 0)
    database.apply(checkout)
    database.run("insert into person.person (name) select 'Person ' || n from generate_series(1, 3) n")
    after = write_shape(checkout, other, 1)
    made.apply(checkout)
    change(database, after)
    assert dump(database.url) == dump(made.url)
    assert database.value("select count(*) from person.person") == 3


@pytest.fixture
def viewed(checkout, database):
    checkout.collection(columns=VISITS)
    checkout.write("services/person/database/repeatable/a.sql", "create view names as select name from person")
    database.apply(checkout)
    return database


def test_what_was_granted_by_hand_stays_when_scripts_run_again(viewed, checkout):
    viewed.run("grant select on person.names to pg_monitor; grant update (name) on person.person to pg_monitor")
    checkout.write("services/person/database/repeatable/a.sql", "create view names as select id, name from person")
    viewed.apply(checkout)
    assert viewed.value("select has_table_privilege('pg_monitor', 'person.names', 'select')")
    named = viewed.plan(checkout).schemas[0].unmanaged
    assert "grant of select on table person.names to pg_monitor" in named
    assert "grant of update (name) on table person.person to pg_monitor" in named


def test_a_view_that_somebody_made_of_a_view_stays(viewed, checkout):
    viewed.run("create view person.mine as select * from person.names")
    checkout.write("services/person/database/repeatable/a.sql", "create view names as select name, id from person")
    viewed.apply(checkout)
    assert viewed.run("select * from person.mine") == []
    assert viewed.run("select name, id from person.names") == []


def test_a_script_may_take_what_the_service_would_have(viewed, checkout):
    sql = "create view names as select name from person; revoke delete on person, names from person_service;"
    file = checkout.write("services/person/database/repeatable/a.sql", sql)
    may = "select array[has_table_privilege('person_service', 'person.person', 'delete'), " + (
        "has_table_privilege('person_service', 'person.names', 'delete')]"
    )
    viewed.apply(checkout)
    assert viewed.value(may) == [False, False]
    checkout.schema("person", extensions=["vector"])
    viewed.apply(checkout)
    assert viewed.value(may) == [False, False], "its rights were given anew, and the script ran again"
    file.write_text("create view names as select name from person")
    viewed.apply(checkout)
    assert viewed.value(may) == [True, True]


def test_nobody_may_run_a_function_unless_a_script_says_so(viewed, checkout):
    sql = "create function f() returns int language sql as 'select 1';"
    checkout.write("services/person/database/repeatable/f.sql", sql + sql.replace("f()", "g()"))
    checkout.write("services/person/database/repeatable/g.sql", "grant execute on function g() to public")
    viewed.apply(checkout)
    may = "select array[has_function_privilege('pg_monitor', 'person.f()', 'execute'), " + (
        "has_function_privilege('pg_monitor', 'person.g()', 'execute')]"
    )
    assert viewed.value(may) == [False, True]
    assert viewed.value("select count(*) from pg_default_acl") == 0


def test_scripts_that_wait_for_each_other_say_for_what(checkout, database):
    checkout.collection()
    for one, other in (("a", "b"), ("b", "a")):
        sql = f"create view {one} as select * from {other}"
        checkout.write(f"services/person/database/repeatable/{one}.sql", sql)
    with pytest.raises(FailedError, match=r'relation "b" does not exist'):
        database.apply(checkout)


def test_a_file_is_cut_where_a_statement_ends():
    sql = """-- a; comment
        create function f() returns int language sql begin atomic select case when true then 1 end; select 2; end;
        /* b; /* nested; */ */ create view "Odd;" as select ';' as a, e'\\';' as b, $x$;$x$ as c;
        create rule r as on delete to t do also (select 1; select 2); do $$ begin null; end $$;
        create or replace trigger t before update on x execute function f()"""
    found = statements(sql)
    assert [(one.kind, one.name) for one in found] == [
        ("function", "f"),
        ("view", "Odd;"),
        ("rule", "r"),
        ("", ""),
        ("trigger", "t"),
    ]
    assert "create or replace view" in found[1].replacing
    assert found[4].replacing == found[4].text


def test_a_constraint_trigger_is_made_without_or_replace():
    """PostgreSQL refuses `create or replace constraint trigger`."""
    sql = "create constraint trigger t after insert on x deferrable for each row execute function f()"
    (found,) = statements(sql)
    assert (found.kind, found.name, found.replacing) == ("trigger", "t", sql)
