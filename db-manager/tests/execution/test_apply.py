"""What apply does to an empty database, and what doing it again does; on real PostgreSQL."""

import psycopg
import pytest

from gatehouse_db_manager import FailedError, status
from gatehouse_local.testing.pytest_plugin import ROLE_PASSWORD

ADA = "019a0000-0001-7000-8000-000000000001"


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
    database.apply(full, test_data=True, passwords={"person_service": ROLE_PASSWORD})
    before = database.marks()
    assert database.plan(full, test_data=True).empty
    assert not database.apply(full, test_data=True, passwords={"person_service": ROLE_PASSWORD}).changed
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
