"""Many runs at once, as when fifty containers are deployed in the same second: each step is done exactly once, all end
well, and a run with an older configuration than another's changes nothing."""

import shutil

import pytest

from gatehouse_db_manager import plan

from ..standing import AT_A_STEP, NO_STOP, killed

STARTERS = 50
COLUMNS = {
    "status": {"type": "enum", "of": "status", "required": True, "default": "pending"},
    "email": {"type": "text"},
}


@pytest.fixture
def people(checkout):
    checkout.enumerators(1, status=["pending", "active"])
    checkout.collection(version="1.0.0.1", columns=COLUMNS)
    checkout.rows([{"id": "019a0000-0001-7000-8000-000000000001", "name": "Ada"}])
    return checkout


def newer(checkout):
    checkout.collection(
        version="1.1.0.1",
        columns={**COLUMNS, "nick": {"type": "word"}},
        unique={"email_once": {"columns": ["email"]}},
        indexes={"by_nick": {"columns": ["nick"]}},
    )


def start_all(starter, checkout, database, count=STARTERS):
    commands = [starter.start("apply", checkout, database.url, "--test-data") for _ in range(count)]
    codes = [command.wait() for command in commands]
    assert codes == [0] * count, [command.said for command in commands if command.wait()]


def all_done_once(database, checkout, runs):
    assert database.value("select count(*) from dbm.run where state = 'done'") == runs
    assert database.value("select count(*) from dbm.run where state <> 'done'") == 0
    assert database.done_twice() == []
    assert plan(database.url, checkout.load(), test_data=True).empty


@pytest.mark.deep
def test_fifty_on_an_empty_database_do_each_step_once(people, database, starter):
    """langflow #13204, alembic #633: the second starter failed on what the first had just made."""
    start_all(starter, people, database)
    all_done_once(database, people, runs=1)
    assert database.value("select count(*) from person.person") == 1


@pytest.mark.deep
def test_fifty_on_a_pending_database_do_each_step_once(people, database, starter):
    database.apply(people)
    database.people(1000)
    newer(people)
    start_all(starter, people, database)
    all_done_once(database, people, runs=2)


def test_many_with_nothing_to_do_write_nothing(people, database, starter):
    database.apply(people, test_data=True)
    before = database.marks()
    start_all(starter, people, database, 10)
    assert database.marks() == before


def test_of_two_versions_that_start_at_once_the_older_never_wins(people, database, starter, tmp_path_factory):
    """Whichever comes first, the newer is in place at the end; the older is refused when it comes second."""
    database.apply(people)
    database.people(1000)
    folder = tmp_path_factory.mktemp("newer")
    shutil.copytree(people.root, folder, dirs_exist_ok=True)
    older, newest = people, type(people)(folder)
    older.collection(version="1.0.1.1", columns={**COLUMNS, "nick": {"type": "word"}})
    newer(newest)
    commands = {
        name: [starter.start("apply", one, database.url) for _ in range(5)]
        for name, one in (("newest", newest), ("older", older))
    }
    assert {command.wait() for command in commands["newest"]} == {0}
    codes = [command.wait() for command in commands["older"]]
    assert set(codes) <= {0, 3}
    assert database.run("select version from dbm.version") == [("1.1.0.1",)]
    assert database.done_twice() == []
    late = starter.start("apply", older, database.url)
    assert late.wait() == 3, late.said
    assert "is older than the applied version 1.1.0.1" in late.said


def test_an_older_run_that_waited_for_a_newer_one_is_refused(people, database, starter, tmp_path_factory):
    """Both plan the same database; the newer gets the lock first. The older looks again under the lock, and stops."""
    database.apply(people)
    folder = tmp_path_factory.mktemp("newer")
    shutil.copytree(people.root, folder, dirs_exist_ok=True)
    newest = type(people)(folder)
    newer(newest)
    people.collection(version="1.0.1.1", columns={**COLUMNS, "nick": {"type": "word"}})
    with database.connect() as blocker:
        blocker.execute("begin; lock table person.person in access share mode")
        first = starter.start("apply", newest, database.url)
        while not database.run("select 1 from dbm.run where state = 'running'"):
            assert first.runs, first.said
        second = starter.start("apply", people, database.url)
        waiting = "select 1 from pg_stat_activity where query like '%pg_try_advisory_lock%' and pid <> pg_backend_pid()"
        while not database.run(waiting + " and datname = current_database()"):
            assert second.runs, second.said
        blocker.execute("commit")
        assert first.wait() == 0, first.said
        assert second.wait() == 3, second.said
    assert "is older than the applied version 1.1.0.1" in second.said
    assert database.run("select version from dbm.version") == [("1.1.0.1",)]


def test_an_older_version_is_refused_where_a_newer_one_was_killed_halfway(people, database, starter, tmp_path_factory):
    """No version was written yet, but the older one would take away what the newer one has made. The newer resumes."""
    database.apply(people)
    database.people(10)
    folder = tmp_path_factory.mktemp("newer")
    shutil.copytree(people.root, folder, dirs_exist_ok=True)
    newest = type(people)(folder)
    newer(newest)
    database.run(AT_A_STEP.replace("%s", "$a$%s$a$") % ("build index person_by_nick", "done"))
    assert killed(database, newest, starter)
    database.run(NO_STOP)
    late = starter.start("apply", people, database.url)
    assert late.wait() == 3, late.said
    assert "no longer has the column nick" in late.said
    assert starter.start("apply", newest, database.url).wait() == 0
    assert database.run("select version from dbm.version") == [("1.1.0.1",)]
    assert database.done_twice() == []
    late = starter.start("apply", people, database.url)
    assert late.wait() == 3
    assert "version = 1.0.0.1" in late.said
    assert "is older than the applied version 1.1.0.1" in late.said
