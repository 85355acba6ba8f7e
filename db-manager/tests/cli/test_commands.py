"""`gate db`, as a person or a script meets it: words, JSON and exit codes."""

import shutil
import subprocess
import sys

import msgspec
import pytest
from click.testing import CliRunner

from gatehouse_db_manager.api import connect
from gatehouse_db_manager.cli.commands import db
from gatehouse_db_manager.database.lock import lock

ADA = "019a0000-0001-7000-8000-000000000001"


@pytest.fixture
def gate(checkout, database, monkeypatch):
    """Runs `gate db ...` against the checkout and the database."""
    monkeypatch.delenv("GATEHOUSE_ENVIRONMENT", raising=False)

    def run(*words: str, exit_code: int = 0, url: str | None = None) -> str:
        command = words[0]
        address = [] if command == "check" else ["--url", url or database.url]
        result = CliRunner().invoke(db, [command, "--root", str(checkout.root), *address, *words[1:]])
        assert result.exit_code == exit_code, result.output
        return result.output

    return run


def test_plan_shows_what_apply_then_does(gate, checkout, database):
    checkout.collection()
    assert "create table person" in gate("plan")
    assert database.value("select to_regnamespace('person') is null"), "plan changes nothing"
    assert "person 1.0.0.0" in gate("apply")
    assert "Up to date: nothing to do." in gate("plan")
    assert "Up to date: nothing to do" in gate("apply")


def test_plan_shows_just_the_change_and_what_it_locks(gate, checkout, database):
    checkout.collection()
    gate("apply")
    database.people(1)
    checkout.collection(
        version="1.0.1.0", columns={"nick": {"type": "text"}}, indexes={"by_nick": {"columns": ["nick"]}}
    )
    shown = gate("plan")
    assert "add column nick" in shown
    assert "person, briefly" in shown
    assert shown.rstrip().splitlines()[-1].startswith("  db apply"), "the last line says what to do next"
    assert "create index concurrently person_by_nick" in shown
    assert "person 1.0.0.0 → 1.0.1.0" in shown
    assert "2 steps" in shown


def test_a_version_alone_is_written_without_a_step(gate, checkout):
    checkout.collection()
    gate("apply")
    checkout.collection(version="1.0.1.0")
    assert "person 1.0.1.0" in gate("apply")
    assert "Up to date" in gate("plan")


def test_plan_as_json_can_be_read_by_a_script(gate, checkout):
    checkout.collection()
    checkout.rows([{"id": ADA, "name": "Ada"}])
    plan = msgspec.json.decode(gate("plan", "--json", "--test-data"))
    (schema,) = plan["schemas"]
    assert schema["versions"][0]["after"] == "1.0.0.0"
    assert len(schema["fingerprint"]) == 20
    assert schema["steps"][-1]["data"][0]["rows"] == 1


def test_a_plan_is_written_as_it_is_printed(gate, checkout, tmp_path):
    checkout.collection()
    checkout.rows([{"id": ADA, "name": "Ada"}])
    out = tmp_path / "plan.json"
    printed = gate("plan", "--json", "--test-data", "--out", str(out))
    assert out.read_text() == printed


def test_status_compares_wanted_with_applied(gate, checkout):
    checkout.collection()
    assert "-" in gate("status")
    gate("apply")
    shown = gate("status")
    assert "1.0.0.0" in shown
    assert "Nothing pending." in shown
    assert msgspec.json.decode(gate("status", "--json"))["pending"] == 0


def test_a_wrong_file_ends_with_2(gate, checkout):
    checkout.collection(columns={"age": {"type": "years"}})
    shown = gate("check", exit_code=2)
    assert "columns.age.type = years" in shown
    assert "→" in shown, "how to fix it"


def test_a_sound_configuration_needs_no_database(gate, checkout):
    checkout.collection()
    assert "person 1 collection, 0 rows of data" in gate("check")


def test_what_has_landed_is_not_changed_under_its_version(gate, checkout, tmp_path):
    status, nick = {"status": {"type": "enum", "of": "status"}}, {"nick": {"type": "text", "personal": "none"}}
    checkout.enumerators(1, status=["new", "known"])
    checkout.collection(version="1.0.0.1", columns=status)
    landed = shutil.copytree(checkout.root, tmp_path / "landed")
    assert "1 collection" in gate("check", "--against", str(landed))
    checkout.enumerators(1, status=["new", "known", "gone"])
    checkout.collection(version="1.0.0.1", columns=status | nick)
    shown = gate("check", "--against", str(landed), exit_code=2)
    assert "an applied snapshot is immutable" in shown
    assert "was applied with other content; an applied version is immutable" in shown
    assert "Raise it to 1.0.1.1 or above" in shown
    checkout.enumerators(1, status=["new", "known"])
    checkout.enumerators(2, status=["new", "known", "gone"])
    checkout.collection(version="1.1.0.2", columns=status | nick)
    assert "1 collection" in gate("check", "--against", str(landed))
    (landed / "services/person/database/schema.yaml").write_text("nonsense: 1")
    assert "Not compared" in gate("check", "--against", str(landed))


def test_a_refusal_ends_with_3_and_plan_shows_it_too(gate, checkout):
    checkout.collection()
    gate("apply")
    checkout.collection(columns={"nick": {"type": "text"}})
    for command in ("plan", "apply"):
        shown = gate(command, exit_code=3)
        assert "person.yaml" in shown
        assert "an applied version is immutable" in shown


def test_a_failed_step_ends_with_4(gate, checkout):
    checkout.collection(checks={"wrong": "nme <> ''"})
    assert "could not create table person" in gate("apply", exit_code=4)


def test_a_lock_not_freed_in_time_ends_with_5(gate, checkout, database):
    checkout.collection()
    with connect(database.url) as other, lock(other, "person", 1):
        assert "is locked by another run" in gate("apply", "--lock-wait", "0.1", exit_code=5)


def test_no_database_is_said_in_one_sentence(gate, checkout, monkeypatch):
    checkout.collection()
    shown = gate("plan", exit_code=4, url="postgresql://127.0.0.1:1/none")
    assert "Can't connect to the database" in shown
    assert "Connection refused. Check the address" in shown
    assert "missing" in gate("plan", exit_code=4, url="nonsense")
    monkeypatch.delenv("GATEHOUSE_ADMIN_URL", raising=False)
    result = CliRunner().invoke(db, ["plan", "--root", str(checkout.root)])
    assert result.exit_code == 4
    assert "Start it with ./local/up db" in result.output


def test_the_running_platform_s_database_is_found_by_itself(checkout, database, monkeypatch):
    monkeypatch.delenv("GATEHOUSE_ADMIN_URL", raising=False)
    checkout.collection()
    checkout.write(".gate/postgres.url", database.url + "\n")
    result = CliRunner().invoke(db, ["apply", "--root", str(checkout.root)])
    assert result.exit_code == 0, result.output
    assert database.run("select collection from dbm.version") == [("person",)]


def test_a_role_gets_its_password_from_the_environment(gate, checkout, database, monkeypatch):
    # Roles belong to the whole cluster: these are no other test's.
    checkout.schema("person", roles={"service": "password_test_service", "reader": "password_test_reader"})
    checkout.collection()
    monkeypatch.setenv("GATEHOUSE_PASSWORD_PASSWORD_TEST_SERVICE", "a secret of the test's")
    gate("apply")
    may_log_in = "select rolname, rolcanlogin from pg_roles where rolname like 'password_test_%'"
    assert dict(database.run(may_log_in)) == {"password_test_service": True, "password_test_reader": False}


def test_reset_asks_first_and_loads_test_data_when_told(gate, checkout, database):
    checkout.collection()
    gate("apply")
    database.people(3)
    assert "This deletes all data in person" in gate("reset", exit_code=1)
    assert database.value("select count(*) from person.person") == 3
    checkout.rows([{"id": ADA, "name": "Ada"}])
    gate("reset", "--yes", "--test-data")
    assert database.value("select count(*) from person.person") == 1


def test_importing_the_commands_loads_no_driver():
    heavy = "{'psycopg', 'ruamel', 'rich', 'msgspec'}"
    code = f"import sys, gatehouse_db_manager.cli.commands; print({heavy} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"


def test_check_lints_the_sql_that_people_write(gate, checkout):
    checkout.collection()
    checkout.write("services/person/database/repeatable/names.sql", "create index slow on person.person (name);\n")
    shown = gate("check", exit_code=2)
    assert "repeatable/names.sql:1" in shown
    assert "require-concurrent-index-creation" in shown


def test_docs_writes_a_dictionary(gate, checkout, tmp_path):
    checkout.collection()
    result = CliRunner().invoke(db, ["docs", "--root", str(checkout.root), "--out", str(tmp_path / "docs")])
    assert result.exit_code == 0, result.output
    assert "## person" in (tmp_path / "docs" / "person.md").read_text()


def test_paths_are_meant_from_the_callers_folder(tmp_path, checkout):
    """`gate` changes into its own checkout before options are read."""
    checkout.collection()
    away = checkout.root / "far" / "away"
    away.mkdir(parents=True)
    command = [sys.executable, "-m", "gatehouse_local.gate", "db", "docs", "--root", "../..", "--out", "here"]
    done = subprocess.run(command, cwd=away, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (away / "here" / "person.md").is_file()
