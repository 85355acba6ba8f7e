"""The commands as a user types them, in a small checkout whose services are fake; the database is the real one."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
import pytest

from gatehouse_catalog.laid_out import LaidOutEnvironment, LaidOutRelease, lay_out_in
from gatehouse_catalog.releases import Release

pytestmark = pytest.mark.begins_early
SERVICE = """
name = "{name}"
domain = "demo"
summary = "A fake"
kind = "api"
path = "/api/{name}"
port = {port}
[uses]
services = {uses}
"""
PORTS = {"identity": 8401, "person": 8402, "edge": 8400, "postgres": 8432}


class Checkout:
    """A folder like a checkout, and `gate` run in it."""

    def __init__(self, folder: Path, offset: int) -> None:
        self.root, self.offset = folder, offset
        self.state = folder / ".gate"

    def add_service(self, name: str, port: int, *uses: str, **environment: str) -> None:
        folder = self.root / "services" / name
        folder.mkdir(parents=True)
        (folder / "app.py").write_text("one")
        (folder / "service.toml").write_text(SERVICE.format(name=name, port=port, uses=json.dumps(uses)))

    def gate(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = self.command(*words)
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, timeout=120, check=False)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "gatehouse_local.gate", "--root", str(self.root), *words]

    def up(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.gate("up", *words, "--detach", "--port-offset", str(self.offset))

    def status(self) -> dict:
        return json.loads(self.gate("status", "--json").stdout)

    def resource(self, name: str) -> dict:
        return next(row for row in self.status()["resources"] if row["name"] == name)

    def port(self, name: str) -> int:
        return PORTS[name] + self.offset

    def get(self, name: str, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port(name)}{path}", timeout=10) as answer:
            return answer.read().decode()

    @property
    def code(self) -> Path:
        """What runs as each service."""
        return self.root / "gatehouse_chassis" / "__main__.py"

    def processes(self) -> list[psutil.Process]:
        """All that were started for this checkout: each has its state folder in the command line or works in it."""
        found = []
        for process in psutil.process_iter():
            try:
                traces = [*process.cmdline(), process.cwd()]
                if process.status() != psutil.STATUS_ZOMBIE and any(str(self.root) in trace for trace in traces):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return [process for process in found if process.pid != os.getpid()]

    def locks(self) -> list[str]:
        names = ["runner.json", "postgres/postmaster.pid"]
        return [name for name in names if (self.state / name).exists()]

    def open_ports(self) -> list[str]:
        return [name for name in PORTS if _answers(self.port(name))]


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def eventually(condition, seconds: float = 60):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
    return found


def free_offset() -> int:
    for offset in range(2000 + 50 * (os.getpid() % 300), 50000, 50):
        if not any(_answers(port + offset) for port in PORTS.values()):
            return offset
    raise AssertionError("no free ports")


@contextlib.contextmanager
def new_checkout(folder: Path) -> Generator[Checkout]:
    checkout = Checkout(folder / "checkout", free_offset())
    (checkout.root / "services" / "catalog").mkdir(parents=True)
    (checkout.root / "pyproject.toml").touch()
    # The runner starts `python -m gatehouse_chassis NAME` in the root, where this one is found first.
    checkout.code.parent.mkdir()
    for name in ("__init__", "preload"):
        (checkout.code.parent / f"{name}.py").touch()
    shutil.copy(Path(__file__).parents[1] / "fake_service.py", checkout.code)
    checkout.add_service("identity", PORTS["identity"])
    checkout.add_service("person", PORTS["person"], "identity")
    yield checkout
    checkout.gate("down")
    for process in checkout.processes():
        process.kill()


@pytest.fixture
def checkout(tmp_path):
    """A checkout of the test's own; nothing runs yet."""
    with new_checkout(tmp_path) as checkout:
        yield checkout


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """A running platform for tests that leave it as it was."""
    with new_checkout(tmp_path_factory.mktemp("standing")) as checkout:
        done = checkout.up()
        assert done.returncode == 0, done.stdout + done.stderr
        yield checkout


@pytest.fixture
def running(checkout):
    """A running platform of the test's own."""
    done = checkout.up()
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


def test_up_brings_all_and_down_leaves_nothing(checkout):
    done = checkout.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"http://localhost:{checkout.port('edge')}" in done.stdout
    assert {row["name"]: row["health"] for row in checkout.status()["resources"]} == dict.fromkeys(
        ["postgres", "database", "edge", "identity", "person"], "healthy"
    )
    assert checkout.get("edge", "/api/person/hello").split()
    assert checkout.gate("down").returncode == 0
    assert (checkout.processes(), checkout.locks(), checkout.open_ports()) == ([], [], [])


@pytest.mark.deep
def test_one_service_brings_only_what_it_needs_and_a_second_up_joins(checkout):
    assert checkout.up("identity").returncode == 0
    first = checkout.status()
    assert "person" not in {row["name"] for row in first["resources"]}
    second = checkout.up("person")
    assert "already running" in second.stdout
    assert second.returncode == 0, second.stdout + second.stderr
    after = checkout.status()
    assert after["runner"] == first["runner"]
    assert "person" in {row["name"] for row in after["resources"]}
    assert checkout.up("db").returncode == 0


@pytest.mark.deep
def test_kill_9_of_the_runner_leaves_no_process_socket_or_lock(running):
    before = len(running.processes())
    assert before >= 6  # runner, guardian, PostgreSQL, edge, two services
    os.kill(running.status()["runner"], signal.SIGKILL)
    eventually(lambda: not running.processes())
    assert (running.locks(), running.open_ports()) == ([], [])
    assert running.up().returncode == 0


@pytest.mark.deep
def test_kill_9_of_runner_and_guardian_is_recovered_from_by_the_next_up(running):
    runner = psutil.Process(running.status()["runner"])
    for process in [child for child in runner.children() if "guardian.py" in " ".join(child.cmdline())] + [runner]:
        process.kill()
    done = running.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ended without cleaning up" in done.stdout


@pytest.mark.deep
def test_kill_9_of_a_foreground_up_leaves_nothing(checkout):
    command = checkout.command("up", "db", "--port-offset", str(checkout.offset))
    up = subprocess.Popen(command, cwd=checkout.root, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert up.stdout
    assert any("Everything is healthy" in line for line in up.stdout)
    up.kill()
    up.wait()
    eventually(lambda: not checkout.processes())
    assert (checkout.locks(), checkout.open_ports()) == ([], [])


@pytest.mark.deep
def test_ctrl_c_of_a_foreground_up_stops_all(checkout):
    command = checkout.command("up", "identity", "--port-offset", str(checkout.offset))
    up = subprocess.Popen(command, cwd=checkout.root, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert up.stdout
    assert any("Everything is healthy" in line for line in up.stdout)
    up.send_signal(signal.SIGINT)
    assert "Gatehouse is stopped." in up.stdout.read()
    assert up.wait() == 0
    assert (checkout.processes(), checkout.locks(), checkout.open_ports()) == ([], [], [])


def test_a_saved_file_reloads_its_service_alone_and_refuses_nothing(standing):
    before = {name: standing.resource(name)["pid"] for name in ("identity", "person")}
    (standing.root / "services" / "person" / "app.py").write_text("two")
    refused = []

    def reloaded():
        refused.extend(["refused"] * (standing.get("person", "/") is None))
        return standing.resource("person")["pid"] != before["person"]

    eventually(reloaded)
    assert refused == []
    assert standing.resource("identity")["pid"] == before["identity"]
    assert standing.resource("person")["restarts"] == 0


def test_a_single_service_is_stopped_and_started_again(standing):
    stopped = standing.gate("stop", "person")
    assert stopped.returncode == 0, stopped.stderr
    row = standing.resource("person")
    assert (row["state"], row["last_error"]) == ("stopped", "stopped by gate stop")
    assert not _answers(standing.port("person")), "its port is free for another program"
    assert standing.resource("identity")["health"] == "healthy"
    again = standing.gate("restart", "person")
    assert again.returncode == 0, again.stderr
    before = standing.resource("person")["pid"]
    assert standing.gate("restart", "person").returncode == 0
    assert standing.resource("person")["pid"] != before
    assert "Did you mean person?" in standing.gate("stop", "persn").stderr


def test_up_starts_what_was_stopped(standing):
    assert standing.gate("stop", "person").returncode == 0
    assert standing.up().returncode == 0
    assert standing.resource("person")["health"] == "healthy"


def test_debug_runs_a_service_in_the_terminal_and_gives_it_back(standing):
    command = standing.command("debug", "person")
    debug = subprocess.Popen(command, cwd=standing.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert debug.stdout
    assert any("serving as" in line for line in debug.stdout)
    assert standing.resource("person")["last_error"] == "runs in a terminal: gate debug"
    child = int(standing.get("person", "/").split()[0])
    assert psutil.Process(child).ppid() == debug.pid
    debug.terminate()
    debug.communicate(timeout=60)
    assert standing.resource("person")["health"] == "healthy"
    assert not psutil.pid_exists(child)


def test_a_broken_service_toml_is_told_and_the_platform_stays(standing):
    file = standing.root / "services" / "person" / "service.toml"
    good = file.read_text()
    pid = standing.resource("person")["pid"]
    file.write_text(good.replace("kind", "knid"))
    notice = eventually(lambda: [text for text in standing.status()["notices"].values() if "knid" in text])[0]
    assert "services/person/service.toml" in notice
    assert "is unchanged" in notice
    assert standing.resource("person")["pid"] == pid
    again = standing.up()
    assert again.returncode == 1
    assert "services/person/service.toml" in again.stderr
    file.write_text(good.replace('"A fake"', '"A fixed fake"'))
    eventually(lambda: standing.resource("person")["pid"] != pid)


def test_a_new_service_folder_starts_by_itself(standing):
    standing.add_service("partner", 8403, "identity")
    eventually(lambda: any(r["name"] == "partner" and r["health"] == "healthy" for r in standing.status()["resources"]))
    shutil.rmtree(standing.root / "services" / "partner")
    eventually(lambda: "partner" not in {r["name"] for r in standing.status()["resources"]})


@pytest.mark.deep
def test_a_service_that_cannot_start_fails_up_with_its_last_lines_and_leaves_nothing(checkout):
    code = checkout.code
    code.write_text("import sys\nif sys.argv[1] == 'person': sys.exit('a line of code is wrong')\n" + code.read_text())
    done = checkout.up()
    assert done.returncode == 1
    assert "Error: person isn't healthy: it exited with code 1\n    a line of code is wrong" in done.stderr
    assert (checkout.processes(), checkout.locks(), checkout.open_ports()) == ([], [], [])


def test_a_taken_port_is_named_with_its_holder(checkout):
    with socket.create_server(("127.0.0.1", checkout.port("person"))):
        done = checkout.up()
    assert done.returncode == 1
    assert f"Port {checkout.port('person')}, which person needs, is taken by `" in done.stderr
    assert f"(process {os.getpid()})" in done.stderr
    assert "up --port-offset" in done.stderr
    assert done.stderr.count("\n") == 1
    assert (checkout.processes(), checkout.locks()) == ([], [])


def test_a_foreign_server_on_the_database_port_is_named(checkout):
    with socket.create_server(("127.0.0.1", checkout.port("postgres"))):
        done = checkout.up()
    assert done.returncode == 1
    assert f"listens on port {checkout.port('postgres')}" in done.stderr
    assert checkout.processes() == []


@pytest.mark.deep
def test_a_stale_lock_is_cleared_in_one_sentence(checkout):
    checkout.state.mkdir()
    (checkout.state / "runner.json").write_text(json.dumps({"pid": os.getpid(), "port": 1, "token": "old"}))
    assert checkout.gate("status").stdout.startswith("Nothing is running.")
    done = checkout.up("db")
    assert done.returncode == 0
    assert f"The previous runner (process {os.getpid()}) ended without cleaning up." in done.stdout


def test_an_unknown_service_is_told_with_the_nearest_name(checkout):
    done = checkout.up("persn")
    assert done.returncode == 1
    assert "person" in done.stderr
    assert not checkout.state.exists() or checkout.locks() == []


def test_logs_show_what_each_service_printed(standing):
    assert "serving as" in standing.gate("logs", "person").stdout
    assert "person" in standing.gate("logs", "-n", "5").stdout
    missing = standing.gate("logs", "nobody")
    assert missing.returncode == 1
    assert "has no log of nobody" in missing.stderr


@pytest.mark.deep
def test_two_ups_at_once_make_one_platform(checkout):
    command = checkout.command("up", "db", "--detach", "--port-offset", str(checkout.offset))
    both = [
        subprocess.Popen(command, cwd=checkout.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    said = [up.communicate(timeout=60)[0] for up in both]
    assert [up.returncode for up in both] == [0, 0], said
    runners = [p for p in checkout.processes() if "gatehouse_local.runner.runner" in p.cmdline()]
    assert len(runners) == 1


SCHEMA = """
schema: person
description: Who the institute knows
extensions: []
roles: {service: person_service, reader: person_reader}
"""
COLLECTION = """
collection: person
description: A person
version: 1.0.0.0
columns:
  id: {type: identity, primary: true}
  name: {type: word, required: true, description: Full name}
"""
ROWS = [{"id": "019a0000-0001-7000-8000-000000000001", "name": "Ada"}]


def add_database(checkout: Checkout) -> Path:
    """Gives the person service a database with one row of test data; its folder."""
    root = Path(__file__).resolve().parents[3]
    shutil.copytree(root / "db-manager" / "types", checkout.root / "db-manager" / "types")
    folder = checkout.root / "services" / "person" / "database"
    (folder / "collections").mkdir(parents=True)
    (folder / "test-data").mkdir()
    (folder / "schema.yaml").write_text(SCHEMA)
    (folder / "collections" / "person.yaml").write_text(COLLECTION)
    (folder / "test-data" / "person.json").write_text(json.dumps(ROWS))
    service = folder.parent / "service.toml"
    service.write_text(service.read_text().replace("[uses]", '[database]\nschema = "person"\n[uses]'))
    return folder


def ask(checkout: Checkout, query: LiteralString) -> list[tuple]:
    with psycopg.connect((checkout.state / "postgres.url").read_text().strip(), autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.deep
def test_reset_brings_the_test_data_back_while_services_run(checkout):
    add_database(checkout)
    assert checkout.up("db").returncode == 0
    grants = ask(checkout, "select datacl::text from pg_database where datname = 'gatehouse'")
    ask(checkout, "update person.person set name = 'Eve'")
    ask(checkout, "create table litter ()")
    # As of a service that is newer than this database.
    ask(checkout, "revoke connect on database gatehouse from person_service")
    before = checkout.resource("postgres")["pid"]
    done = checkout.gate("reset", "--backup")
    assert done.returncode == 0, done.stderr
    assert ask(checkout, "select name from person.person") == [("Ada",)]
    assert ask(checkout, "select to_regclass('litter')") == [(None,)]
    assert ask(checkout, "select datacl::text from pg_database where datname = 'gatehouse'") == grants
    assert checkout.resource("postgres")["pid"] == before
    names = {name for (name,) in ask(checkout, "select datname from pg_database")}
    assert names == {"gatehouse", "gatehouse_seed", "postgres", "template0", "template1"}
    restores_what_was_entered(checkout, grants)


def restores_what_was_entered(checkout: Checkout, grants: list[tuple]) -> None:
    """Continues after a reset with a backup: nothing is lost unasked, and a broken file changes nothing."""
    unasked = checkout.gate("db", "restore")
    assert (unasked.returncode, "add --yes" in unasked.stderr) == (1, True)
    (checkout.state / "backups" / "broken.dump").write_text("no archive")
    broken = checkout.gate("db", "restore", "--yes", "broken.dump")
    assert "the database is unchanged" in broken.stderr
    assert ask(checkout, "select name from person.person") == [("Ada",)]
    (checkout.state / "backups" / "broken.dump").unlink()
    restored = checkout.gate("db", "restore", "--yes")
    assert restored.returncode == 0, restored.stderr
    assert ask(checkout, "select name from person.person") == [("Eve",)]
    assert ask(checkout, "select datacl::text from pg_database where datname = 'gatehouse'") == grants
    words = ["db", "shell", "-Atc", "select name from person.person; select to_regclass('litter')"]
    # With no psql on PATH, as on a machine without PostgreSQL.
    environ = os.environ | {"PATH": str(checkout.state)}
    asked = subprocess.run(
        checkout.command(*words),
        cwd=checkout.root,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert asked.stdout.split() == ["Eve", "litter"], asked.stderr
    assert "There is no backup missing" in checkout.gate("db", "restore", "--yes", "missing").stderr


def test_a_changed_collection_is_applied_while_all_is_running(checkout):
    folder = add_database(checkout)
    done = checkout.up()
    assert done.returncode == 0, done.stdout + done.stderr
    pids = {name: checkout.resource(name)["pid"] for name in ("postgres", "person")}
    file = folder / "collections" / "person.yaml"
    file.write_text(COLLECTION.replace("1.0.0.0", "1.1.0.0") + "  nickname: {type: word}\n")
    eventually(lambda: any("person 1.1.0.0" in text for text in checkout.status()["notices"].values()))
    assert ask(checkout, "select nickname from person.person") == [(None,)]
    file.write_text(file.read_text() + "  another: {type: word}\n")  # the same version with other content
    eventually(lambda: checkout.resource("database")["state"] == "failed")
    assert "person.yaml" in "".join(checkout.status()["last_lines"]["database"])
    assert {name: checkout.resource(name)["pid"] for name in ("postgres", "person")} == pids
    assert checkout.resource("person")["health"] == "healthy"


@pytest.mark.deep
def test_a_refused_configuration_fails_up_and_reset_begins_anew(checkout):
    folder = add_database(checkout)
    assert checkout.up("db").returncode == 0
    checkout.gate("down")
    (folder / "collections" / "person.yaml").write_text(COLLECTION + "  nickname: {type: word}\n")
    refused = checkout.up("db")
    assert refused.returncode == 1
    assert "person.yaml" in refused.stderr
    assert " reset" in refused.stderr
    reset = checkout.gate("reset", "--port-offset", str(checkout.offset))
    assert reset.returncode == 0, reset.stderr
    assert (checkout.processes(), checkout.locks()) == ([], [])
    assert checkout.up("db").returncode == 0
    assert ask(checkout, "select nickname from person.person") == [(None,)]


def test_down_without_a_platform_says_so(checkout):
    assert checkout.gate("down").stdout == "Nothing is running.\n"


def deployed(checkout: Checkout, sleeps_after: float = 600, **codes: str) -> None:
    """Releases of these services, each with the code of a commit: a fake that answers the commit's name and its tag."""
    services = {}
    for name, commit in codes.items():
        code = checkout.root / "commits" / commit
        package = code / "services" / "chassis" / "gatehouse_chassis"
        if not package.is_dir():
            package.mkdir(parents=True)
            (package.parent / "pyproject.toml").touch()
            for module in ("__init__", "preload"):
                (package / f"{module}.py").touch()
            fake = (Path(__file__).parents[1] / "fake_service.py").read_text()
            answer = f'TEXT = "{commit} " + os.environ["GATEHOUSE_VERSION"]'
            fake = fake.replace('TEXT = text.read_text() if text else ""', answer)
            (package / "__main__.py").write_text(fake if commit != "bad" else "raise SystemExit('the last line')")
        release = Release(tag=f"of-{commit}", digest=f"sha256:{'1' * 64}", commit=commit)
        services[name] = LaidOutRelease(release=release, code=str(code))
    content = LaidOutEnvironment(environment="dev", revision="r", services=services, sleeps_after=sleeps_after)
    lay_out_in(checkout.state, content)


@pytest.mark.deep
def test_a_deployment_changes_the_services_whose_release_changed_and_keeps_those_that_run(checkout):
    """Each runs the code of its own release; one that doesn't start leaves the one before, and `up` says so."""
    shutil.rmtree(checkout.code.parent)
    deployed(checkout, identity="first", person="first")
    done = checkout.up()
    assert done.returncode == 0, done.stdout + done.stderr
    before = {name: checkout.get(name, "/").split() for name in ("identity", "person")}
    assert all(answer[1:] == ["first", "of-first"] for answer in before.values())
    deployed(checkout, identity="first", person="second")
    assert checkout.up().returncode == 0
    assert checkout.get("identity", "/").split() == before["identity"]
    assert checkout.get("person", "/").split()[1:] == ["second", "of-second"]
    deployed(checkout, identity="first", person="bad")
    refused = checkout.up()
    assert refused.returncode != 0
    assert "person isn't healthy" in refused.stderr
    assert "the last line" in refused.stderr
    assert checkout.get("person", "/").split()[1:] == ["second", "of-second"]
    deployed(checkout, sleeps_after=0.2, identity="first", person="second")
    assert checkout.up().returncode == 0
    eventually(lambda: not checkout.processes())  # nobody uses it
    assert (checkout.locks(), checkout.open_ports()) == ([], [])
