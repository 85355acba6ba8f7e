"""What apply does to an empty database, what doing it again does, and what it refuses; on real PostgreSQL."""

import threading
import uuid

import psycopg
import pytest

from gatehouse_db_manager import (
    ConfigurationError,
    FailedError,
    LockError,
    NoDatabaseError,
    RefusedError,
    api,
    apply,
    plan,
    reset,
    status,
)
from gatehouse_db_manager.lock import lock
from gatehouse_db_manager.progress import RowsLoaded, SchemaDone, StepEnded

ADA = "019a0000-0001-7000-8000-000000000001"
BEN = "019a0000-0001-7000-8000-000000000002"
FULL = {
    "email": {"type": "email", "unique": True},
    "status": {"type": "enum", "of": "status", "required": True, "default": "pending"},
    "skills": {"type": "enum_list", "of": "skill", "required": True, "default": []},
    "mentor_id": {"type": "reference", "to": "person"},
    "resource_id": {"type": "reference", "to": "topics.resource"},
    "details": {"type": "document", "schema": {"type": "object", "required": ["a"]}},
    "sort_name": {"type": "text", "generated": "lower(name)"},
    "fee": {"type": "money"},
    "stars": {"type": "rating"},
    "site": {"type": "url"},
    "phone": {"type": "phone"},
    "visits": {"type": "count", "required": True, "default": 0},
    "spent": {"type": "duration"},
    "about": {"type": "markdown"},
    "started_at": {"type": "timestamp", "default": "now()"},
    "ended_at": {"type": "timestamp"},
    "tags": {"type": "text_list"},
    "picture": {"type": "bytes"},
    "born": {"type": "date"},
    "made": {"type": "breadcrumb"},
    "version": {"type": "integer", "required": True, "default": 1},
}
MORE = {
    "checks": {"ends_after_start": "ended_at is null or ended_at >= started_at"},
    "unique": {"one_open": {"columns": ["mentor_id", "status"], "where": "ended_at is null"}},
    "indexes": {
        "by_name": {"columns": ["sort_name", "id desc"], "include": ["email"]},
        "by_tags": {"columns": ["tags"], "method": "gin"},
        "by_lower": {"expressions": ["lower(email)"], "unique": True, "where": "email <> ''"},
    },
    "exclusions": {"apart": {"elements": {"int8range(visits, visits + 1)": "&&"}, "where": "stars = 1"}},
}


@pytest.fixture
def full(checkout):
    checkout.enumerators(1, status=["pending", "active"], skill=["api", "ui"])
    checkout.collection(version="1.0.0.1", columns=FULL, **MORE)
    return checkout


def test_everything_in_a_file_comes_to_be(full, database):
    database.apply(full)
    (person,) = database.tables().values()
    assert list(person.columns)[:3] == ["id", "name", "email"]
    assert person.columns["fee_amount"].sql_type == "bigint"
    assert person.columns["made_at"].required
    assert person.columns["sort_name"].generated
    assert person.columns["resource_id"].description == "Id of topics.resource"
    assert person.description == "One person"
    kinds = {name: constraint.kind for name, constraint in person.constraints.items()}
    assert kinds["person_email_unique"] == "unique"
    assert kinds["person_mentor_id_reference"] == "foreign_key"
    assert kinds["person_status_enumerator"] == kinds["person_details_shape"] == "check"
    assert kinds["person_apart"] == "exclusion"


def test_an_index_keeps_all_that_its_file_says(full, database):
    database.apply(full)
    indexes = database.tables()["person"].indexes
    assert indexes["person_by_lower"].unique
    assert "WHERE (email <> ''::text)" in indexes["person_by_lower"].definition
    assert indexes["person_one_open"].unique
    assert "INCLUDE (email)" in indexes["person_by_name"].definition
    assert "id DESC" in indexes["person_by_name"].definition
    assert "USING gin" in indexes["person_by_tags"].definition


def test_a_reference_is_indexed_unless_an_index_starts_with_it(checkout, database):
    checkout.collection(
        columns={"one_id": {"type": "reference", "to": "person"}, "two_id": {"type": "reference", "to": "person"}},
        indexes={"by_two": {"columns": ["two_id", "name"]}},
    )
    database.apply(checkout)
    assert set(database.tables()["person"].indexes) == {"person_one_id_index", "person_by_two"}


FORBIDDEN = [
    "email = 'nobody'",
    "status = 'gone'",
    "skills = '{api,cobol}'",
    "details = '[]'",
    "details = '{}'",
    "fee_amount = 1",
    "fee_amount = 1, fee_currency = 'euro'",
    "stars = 6",
    "site = 'ftp://example.org'",
    "phone = '0123'",
    "visits = -1",
    "spent = '-1 day'",
    "name = ' Ada'",
    "name = E'Ada\\nB'",
    "ended_at = started_at - interval '1 day'",
]


def test_what_a_type_forbids_is_refused_by_the_database(full, database):
    database.apply(full)
    database.people(1)
    for values in FORBIDDEN:
        with pytest.raises(psycopg.errors.CheckViolation):
            database.run(f"update person.person set {values}")


def test_what_a_type_allows_is_taken(full, database):
    database.apply(full)
    database.people(1)
    database.run(
        "update person.person set email = 'ada@example.org', skills = '{ui,api}', details = '{\"a\": 1}', "
        "fee_amount = 5, fee_currency = 'EUR', stars = 5, site = 'https://example.org/a?b', phone = '+4930123456', "
        "spent = '90 minutes'"
    )


def test_ids_are_uuids_of_version_7_in_the_order_they_are_made(checkout, database):
    checkout.collection()
    database.apply(checkout)
    ids = [str(database.value("insert into person.person (name) values ('A') returning id")) for _ in range(3)]
    assert [text[14] for text in ids] == ["7", "7", "7"]
    assert {text[19] for text in ids} <= set("89ab")


def test_enumerators_can_be_read_with_their_descriptions(full, database):
    database.apply(full)
    listed = database.run("select name, value, description from person.enumerator_values order by name, position")
    assert listed[-1] == ("status", "active", "It is active")


def test_applying_again_changes_nothing(full, database):
    full.rows([{"id": ADA, "name": "Ada"}])
    database.apply(full, test_data=True, passwords={"person_service": "secret"})
    before = database.marks()
    assert database.plan(full, test_data=True).empty
    assert not database.apply(full, test_data=True, passwords={"person_service": "secret"}).changed
    assert database.marks() == before


def test_the_version_document_says_what_was_applied(checkout, database):
    checkout.collection(version="1.2.3.0")
    database.apply(checkout)
    digest = checkout.load().schemas[0].collections[0].digest
    assert database.run("select schema, collection, version, digest from dbm.version") == [
        ("person", "person", "1.2.3.0", digest)
    ]
    (item,) = status(database.url, checkout.load()).collections
    assert (item.wanted, item.applied) == ("1.2.3.0", "1.2.3.0")


def test_a_failing_step_leaves_what_was_there_and_says_where_to_go_on(checkout, database):
    checkout.collection()
    checkout.write(
        "services/person/database/repeatable/10_view.sql", "create view person.names as select nme from person.person"
    )
    with pytest.raises(FailedError, match=r"(?s)could not run 10_view.*nme.*it resumes here") as caught:
        database.apply(checkout)
    assert caught.value.exit_code == 4
    assert database.run("select * from dbm.version") == []
    assert database.value("select state from dbm.run") == "failed"
    checkout.write(
        "services/person/database/repeatable/10_view.sql", "create view person.names as select name from person.person"
    )
    result = database.apply(checkout)
    assert result.schemas[0].steps == 1, "what the first run did isn't done again"
    assert database.run("select * from person.names") == []


def test_views_run_again_when_their_file_changes(checkout, database):
    checkout.collection()
    file = "services/person/database/repeatable/names.sql"
    checkout.write(file, "create or replace view names as select name from person;")
    database.apply(checkout)
    checkout.write(file, "create or replace view names as select name, id from person; -- with ids")
    assert database.apply(checkout).schemas[0].steps == 1
    assert database.run("select name, id from person.names") == []


# What is refused


def test_the_same_version_with_other_content_is_refused_by_name(checkout, database):
    checkout.collection()
    database.apply(checkout)
    checkout.collection(columns={"nick": {"type": "word"}})
    with pytest.raises(
        RefusedError, match=r"collections/person.yaml: version = 1.0.0.0: was applied with other content"
    ) as caught:
        database.apply(checkout)
    assert caught.value.exit_code == 3
    assert "Raise it to 1.0.1.0" in str(caught.value)
    assert "nick" not in database.tables()["person"].columns


def test_other_line_ends_are_not_other_content(checkout, database):
    file = checkout.collection()
    database.apply(checkout)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert not database.apply(checkout).changed


def test_a_version_never_goes_back(checkout, database):
    checkout.collection(version="1.1.0.0")
    database.apply(checkout)
    checkout.collection(version="1.0.9.0")
    with pytest.raises(RefusedError, match=r"version = 1.0.9.0: goes back: 1.1.0.0 is applied"):
        database.apply(checkout)


def test_a_changed_type_needs_a_new_version_of_what_uses_it(checkout, database):
    checkout.collection()
    database.apply(checkout)
    file = checkout.root / "db-manager/types/word.yaml"
    file.write_text(file.read_text().replace("200", "300"))
    with pytest.raises(RefusedError, match="was applied with other custom types"):
        database.apply(checkout)
    checkout.collection(version="1.0.1.0")
    database.apply(checkout)
    assert "300" in database.tables()["person"].constraints["person_name_length"].definition


def test_a_snapshot_that_was_applied_never_changes(full, database):
    database.apply(full)
    full.enumerators(1, status=["pending", "active", "gone"], skill=["api", "ui"])
    with pytest.raises(RefusedError, match=r"enumerators/1.yaml: was applied with other content") as caught:
        database.apply(full)
    assert "enumerators/2.yaml" in str(caught.value)


def test_a_missing_file_does_not_drop_its_table(checkout, database):
    file = checkout.collection()
    database.apply(checkout)
    file.unlink()
    with pytest.raises(RefusedError, match=r"person.yaml: is gone, but the table person.person stands"):
        database.apply(checkout)


def test_a_table_that_somebody_else_made_is_not_touched(checkout, database):
    database.run("create schema person; create table person.person (id int)")
    checkout.collection()
    with pytest.raises(RefusedError, match="which db-manager didn't make"):
        database.apply(checkout)


def test_the_first_apply_marks_the_environment_and_another_is_refused(checkout, database):
    checkout.collection()
    database.apply(checkout, environment="staging")
    with pytest.raises(RefusedError, match="environment = production: belongs to staging"):
        database.apply(checkout, environment="production")
    assert database.value("select name from dbm.environment") == "staging"


def test_no_database_is_one_clear_sentence(checkout):
    checkout.collection()
    with pytest.raises(NoDatabaseError, match="There is no database to be reached"):
        apply("postgresql://postgres@127.0.0.1:1/none", checkout.load())


# Data


def test_test_data_needs_the_flag(checkout, database):
    checkout.collection()
    checkout.rows([{"id": ADA, "name": "Ada"}])
    database.apply(checkout)
    assert database.value("select count(*) from person.person") == 0


@pytest.mark.parametrize("marked_before", [True, False])
def test_test_data_never_enters_production(checkout, database, marked_before):
    checkout.collection()
    checkout.rows([{"id": ADA, "name": "Ada"}])
    if marked_before:
        database.apply(checkout, environment="production")
    with pytest.raises(RefusedError, match="is never loaded into production, whatever the flags say"):
        database.apply(checkout, environment="production", test_data=True)
    if marked_before:
        assert database.value("select count(*) from person.person") == 0
        with pytest.raises(RefusedError, match="is never loaded into production"):
            database.apply(checkout, environment="local", test_data=True)
    else:
        assert database.value("select to_regnamespace('dbm') is null"), "nothing was touched"


def test_reference_data_belongs_to_every_environment(checkout, database):
    checkout.collection()
    checkout.rows([{"id": ADA, "name": "Ada"}], kind="reference")
    database.apply(checkout, environment="production")
    assert database.value("select name from person.person") == "Ada"


def test_rows_may_refer_to_each_other_and_leave_columns_out(full, database):
    full.rows(
        [
            {"id": ADA, "name": "Ada", "mentor_id": BEN, "details": {"a": [1]}, "tags": ["x"], "picture": "\\x00ff"},
            {"id": BEN, "name": "Ben", "skills": ["ui"], "born": "1990-01-31", "made_at": "2026-01-01T00:00:00Z"},
        ]
    )
    events = []
    database.apply(full, test_data=True, report=events.append)
    rows = database.run("select name, status, tags, picture, skills, visits from person.person order by name")
    assert rows == [("Ada", "pending", ["x"], b"\x00\xff", [], 0), ("Ben", "pending", None, None, ["ui"], 0)]
    assert [event.rows for event in events if isinstance(event, RowsLoaded)] == [2]
    assert isinstance(events[-1], SchemaDone)


def test_a_changed_file_updates_its_rows_and_leaves_others_alone(checkout, database):
    checkout.collection(columns={"visits": {"type": "count", "required": True, "default": 0}})
    checkout.rows([{"id": ADA, "name": "Ada"}, {"id": BEN, "name": "Ben"}])
    database.apply(checkout, test_data=True)
    database.run("update person.person set visits = 7; insert into person.person (name) values ('Own')")
    untouched = database.value("select xmin::text from person.person where id = %s", BEN)
    checkout.rows([{"id": ADA, "name": "Ada Lovelace"}, {"id": BEN, "name": "Ben"}])
    assert len(database.plan(checkout, test_data=True).steps) == 1
    database.apply(checkout, test_data=True)
    rows = database.run("select name, visits from person.person order by name")
    assert rows == [("Ada Lovelace", 7), ("Ben", 7), ("Own", 7 - 7)]
    assert database.value("select xmin::text from person.person where id = %s", BEN) == untouched


def test_a_row_that_breaks_a_rule_loads_nothing(checkout, database):
    checkout.collection()
    checkout.rows([{"id": ADA, "name": "Ada"}, {"id": BEN, "name": " spaces "}])
    with pytest.raises(FailedError, match="person_name_trimmed"):
        database.apply(checkout, test_data=True)
    assert database.value("select count(*) from person.person") == 0


# Roles


@pytest.fixture
def two(checkout, database, postgres):
    """Two schemas, and what the service of the first may log in with."""
    checkout.schema("topics")
    checkout.collection("resource", schema="topics")
    checkout.collection()
    roles = ["person_service", "person_reader", "topics_service"]
    passwords = dict.fromkeys(roles, "for-tests-only")
    database.apply(checkout, passwords=passwords)
    return {role: postgres.role_url(database.url, role) for role in roles}


def test_a_service_reads_and_writes_its_own_schema(two, database):
    with database.connect(two["person_service"]) as connection:
        connection.execute("insert into person.person (name) values ('Ada')")
        connection.execute("update person.person set name = 'Ben'")
        assert connection.execute("select name from person.person").fetchall() == [("Ben",)]
        connection.execute("delete from person.person")


ELSEWHERE = [
    "select * from topics.resource",
    "insert into topics.resource (name) values ('x')",
    "select * from dbm.object",
    "create table person.mine (id int)",
    "create table public.mine (id int)",
    "create temporary table mine (id int)",
    "drop table person.person",
    "update dbm.environment set name = 'local'",
]


def test_a_service_can_do_nothing_elsewhere(two, database):
    with database.connect(two["person_service"]) as connection:
        for statement in ELSEWHERE:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_every_service_reads_the_versions(two, database):
    for role in ("person_service", "topics_service"):
        with database.connect(two[role]) as connection:
            rows = connection.execute("select collection from dbm.version order by 1").fetchall()
            assert rows == [("person",), ("resource",)]


def test_a_reader_reads_and_does_not_write(two, database):
    with database.connect(two["person_reader"]) as connection:
        connection.execute("select * from person.person")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from person.person")


def test_a_new_password_replaces_the_old_one(two, database, checkout):
    database.apply(checkout, passwords={"person_service": "another"})
    with pytest.raises(psycopg.OperationalError), database.connect(two["person_service"]):
        pass
    database.apply(checkout, passwords={"person_service": "for-tests-only"})
    with database.connect(two["person_service"]):
        pass


def test_a_password_for_an_unknown_role_is_refused(two, database, checkout):
    with pytest.raises(FailedError, match="There is no role persn_service"):
        database.apply(checkout, passwords={"persn_service": "x"})


def test_an_administrator_needs_not_be_superuser(checkout, postgres, database):
    """As on RDS: an owner of the database who may create roles."""
    name = f"owner_{uuid.uuid4().hex[:8]}"
    checkout.schema(name)
    checkout.collection(schema=name)
    checkout.rows([{"id": ADA, "name": "Ada"}], schema=name)
    database.run(f"create role {name} login createrole password 'for-tests-only'")
    database.run(f"do $$ begin execute format('alter database %I owner to {name}', current_database()); end $$")
    url = postgres.role_url(database.url, name)
    passwords = {f"{name}_service": "for-tests-only"}
    for _ in range(2):
        apply(url, checkout.load(name), test_data=True, passwords=passwords)
    with database.connect(postgres.role_url(database.url, f"{name}_service")) as connection:
        assert connection.execute(f"select name from {name}.person").fetchall() == [("Ada",)]


def test_a_connection_that_breaks_is_a_failure_to_resume_from(checkout, database):
    checkout.collection()

    def cut(event: object) -> None:
        if isinstance(event, StepEnded) and event.position == 1:
            database.run(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )

    with pytest.raises(FailedError):
        database.apply(checkout, report=cut)
    database.apply(checkout)
    assert database.plan(checkout).empty


# Runs beside each other


def test_starters_on_an_empty_database_do_each_step_once(full, database):
    full.rows([{"id": ADA, "name": "Ada"}])
    configuration, failures = full.load(), []

    def start() -> None:
        try:
            apply(database.url, configuration, test_data=True)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert database.value("select count(*) from dbm.run") == 1
    assert database.value("select count(*) = count(distinct what) from dbm.step")
    assert plan(database.url, configuration, test_data=True).empty


def test_a_lock_that_never_comes_free_ends_with_its_own_exit_code(checkout, database):
    checkout.collection()
    with api.connect(database.url) as other, lock(other, "person", 1), pytest.raises(LockError) as caught:
        database.apply(checkout, lock_wait=0.2)
    assert caught.value.exit_code == 5
    assert "gatehouse-db-manager" in str(caught.value)
    database.apply(checkout)


def test_other_schemas_go_on_while_one_is_locked(checkout, database):
    checkout.collection()
    checkout.schema("topics")
    checkout.collection("resource", schema="topics")
    with api.connect(database.url) as other, lock(other, "person", 1):
        apply(database.url, checkout.load("topics"), lock_wait=0.2)
    assert database.run("select schema from dbm.version") == [("topics",)]


def test_two_schemas_of_one_database_apply_at_the_same_time(checkout, database):
    names = ["person", "topics", "partner", "ledger"]
    for name in names:
        checkout.schema(name)
        checkout.collection("thing", schema=name)
    configurations = [checkout.load(name) for name in names]
    threads = [threading.Thread(target=apply, args=(database.url, one)) for one in configurations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.value("select count(*) from dbm.version") == 4


def test_a_run_that_another_has_overtaken_does_nothing_more(checkout, database):
    checkout.collection()

    def overtake(event: object) -> None:
        if isinstance(event, StepEnded) and event.position == 1:
            database.run("update dbm.fence set epoch = epoch + 1")

    with pytest.raises(FailedError, match="A newer run has taken over person; this one stops at step 2"):
        database.apply(checkout, report=overtake)
    assert database.tables() == {}
    database.apply(checkout)
    assert set(database.tables()) == {"person"}


# Reset


def test_reset_starts_over(checkout, database):
    checkout.collection()
    database.apply(checkout)
    reset(database.url, checkout.load())
    assert database.run("select * from dbm.version") == []
    checkout.collection(columns={"nick": {"type": "word"}})
    database.apply(checkout)
    assert "nick" in database.tables()["person"].columns


def test_reset_is_for_local_databases(checkout, database):
    checkout.collection()
    database.apply(checkout, environment="dev")
    with pytest.raises(RefusedError, match="belongs to dev; reset drops all data"):
        reset(database.url, checkout.load())


def test_a_wrong_configuration_touches_nothing(checkout, database):
    checkout.collection(columns={"age": {"type": "years"}})
    with pytest.raises(ConfigurationError):
        database.apply(checkout)
    assert database.value("select to_regnamespace('dbm') is null")
