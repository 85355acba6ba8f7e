"""What the roles of a schema may do, and what an administrator needs."""

import uuid

import psycopg
import pytest

from gatehouse_db_manager import FailedError, apply

ADA = "019a0000-0001-7000-8000-000000000001"


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


def test_a_new_password_replaces_the_old_one(database, checkout, postgres):
    """Of a role that no other test logs in with: roles belong to the server, which all workers share."""
    checkout.schema("pets")
    checkout.collection("pet", schema="pets")
    database.apply(checkout, passwords={"pets_service": "for-tests-only"})
    url = postgres.role_url(database.url, "pets_service")
    with database.connect(url):
        pass
    database.apply(checkout, passwords={"pets_service": "another"})
    with pytest.raises(psycopg.OperationalError), database.connect(url):
        pass


def test_who_may_not_connect_is_let_in_again(two, database, checkout):
    """A copy of a database, and a dump that is restored, have no rights on the database itself."""
    name = database.value("select current_database()")
    database.run(f'revoke connect on database "{name}" from topics_service, topics_reader')
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(two["topics_service"])
    (step,) = database.plan(checkout).steps
    assert (step.schema, step.what) == ("topics", "grant access to its roles")
    database.apply(checkout)
    with database.connect(two["topics_service"]) as connection:
        assert connection.execute("select name from topics.resource").fetchall() == []
    assert database.plan(checkout).empty


def test_a_password_for_an_unknown_role_is_refused(two, database, checkout):
    with pytest.raises(FailedError, match="role persn_service doesn't exist"):
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
