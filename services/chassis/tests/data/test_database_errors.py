"""What PostgreSQL refuses becomes a problem in words of ours, never in its own."""

import asyncpg
import pytest

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.http.error_responses import as_problem

DB = Database("house")

TABLES = """
create schema house;
create table house.owner (id int constraint owner_pkey primary key, email text constraint owner_email_unique unique,
    age int constraint owner_age_positive check (age > 0));
create table house.pet (owner_id int constraint pet_owner_id_exists references house.owner);
insert into house.owner values (1, 'secret@example.org', 3);
insert into house.pet values (1);
"""


@pytest.fixture(scope="module", autouse=True)
async def database(postgres):
    url = postgres.create_database()
    connection = await asyncpg.connect(url)
    await connection.execute(TABLES)
    await connection.close()
    await DB.open(url, application_name="test", statement_timeout=300)
    yield
    await DB.close()


@pytest.mark.parametrize(
    ("sql", "status", "says"),
    [
        ("insert into owner values (2, 'secret@example.org')", 409, "email_unique"),
        ("insert into pet values (77)", 409, "owner_id_exists"),
        ("delete from owner where id = 1", 409, "refers to this"),
        ("update owner set age = -4", 400, "age_positive"),
        ("select pg_sleep(9)", 503, "took too long"),
        ("do $$ begin raise exception 'x' using errcode = 'disk_full'; end $$", 503, "not made"),
        ("do $$ begin raise exception 'x' using errcode = 'out_of_memory'; end $$", 503, "not made"),
        ("do $$ begin raise exception 'x' using errcode = 'read_only_sql_transaction'; end $$", 503, "not made"),
        ("select colour from owner", 500, "logged"),
    ],
)
async def test_a_refusal_is_told_without_the_databases_words(sql, status, says):
    with pytest.raises(asyncpg.PostgresError) as caught:
        await DB.execute(sql)
    problem = as_problem(caught.value)
    assert problem.status == status
    assert says in problem.detail
    _is_told_in_our_words(problem)


async def test_a_connection_that_is_killed_while_it_works_is_a_503_that_promises_nothing():
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)) as caught:
        await DB.execute("insert into owner (id) select 9 where pg_terminate_backend(pg_backend_pid()) is not null")
    problem = as_problem(caught.value)
    assert problem.status == 503
    assert "may or may not" in problem.detail
    assert "Retry-After" in problem.headers
    _is_told_in_our_words(problem)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"), 503),
        (asyncpg.InterfaceError("connection is closed"), 503),
        (ConnectionResetError(104, "Connection reset by peer"), 503),
        (asyncpg.InterfaceError("cannot perform operation: another operation is in progress"), 500),
        (FileNotFoundError("a file of ours"), 500),
    ],
)
def test_only_a_lost_connection_is_one(error, status):
    assert as_problem(error).status == status


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("insert into owner (id, email) values (5, $1)", "a\x00b"),
        ("insert into owner (id) values ($1)", 2**31),
        ("insert into owner (id) values ($1)", 2**99),
        ("select $1::jsonb ->> 'a'", {"a": "\x00"}),
    ],
)
async def test_a_value_that_cant_be_stored_is_the_callers_to_fix(sql, value):
    with pytest.raises(asyncpg.PostgresError) as caught:
        await DB.execute(sql, value)
    problem = as_problem(caught.value)
    assert (problem.status, [one.field for one in problem.errors]) == (400, ["request"]), repr(caught.value)


def _is_told_in_our_words(problem) -> None:
    assert not {"secret@example.org", "77", "-4", "colour", "relation"} & set(problem.detail.replace("(", " ").split())
