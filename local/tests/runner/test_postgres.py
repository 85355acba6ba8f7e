"""The embedded PostgreSQL: it starts anywhere, survives being killed, and says what stands in its way."""

import contextlib
import signal
import socket
import subprocess
from collections.abc import Generator
from pathlib import Path

import psutil
import psycopg
import pytest

from gatehouse_local.runner import postgres
from gatehouse_local.runner.postgres import DiskFull, Embedded, OtherMajor, PortTaken, PostgresError, PostgresNotReady
from gatehouse_local.testing.shared_process import free_port


@contextlib.contextmanager
def running(server: Embedded) -> Generator[subprocess.Popen]:
    command, environment = server.command()
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        server.wait_ready(still_running=lambda: process.poll() is None)
        yield process
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with a data directory that the tests of this module share, one after the other."""
    folder = tmp_path_factory.mktemp("state")
    Embedded(folder, free_port(), throwaway=True).prepare()
    return folder


@pytest.fixture
def server(state: Path) -> Embedded:
    return Embedded(state, free_port(), throwaway=True)


def test_the_administrator_can_connect_and_nobody_without_the_password(server: Embedded):
    server.prepare()
    with running(server):
        with psycopg.connect(server.admin_url) as connection:
            assert connection.execute("select current_database()").fetchone() == ("gatehouse",)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(f"postgresql://gatehouse_admin:guessed@127.0.0.1:{server.port}/gatehouse")


def test_it_listens_on_loopback_and_has_no_socket_file(server: Embedded):
    server.prepare()
    with running(server), psycopg.connect(server.admin_url) as connection:
        rows = connection.execute(
            "select current_setting('listen_addresses'), current_setting('unix_socket_directories')"
        )
        assert rows.fetchone() == ("127.0.0.1", "")


def test_its_words_are_utf8_and_sorted_the_same_everywhere(server: Embedded):
    server.prepare()
    with running(server), psycopg.connect(server.admin_url) as connection:
        row = connection.execute(
            "select datlocprovider::text, datlocale, pg_encoding_to_char(encoding), lower('ÄÖ') "
            "from pg_database where datname = current_database()"
        ).fetchone()
        assert row == ("b", "C.UTF-8", "UTF8", "äö")


def test_data_survives_a_kill(server: Embedded):
    server.prepare()
    with running(server) as process:
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            connection.execute("create table if not exists kept (number int)")
            connection.execute("insert into kept values (7)")
            connection.execute("checkpoint")
        # Until its own processes have seen that it is gone, PostgreSQL refuses to start beside them.
        others = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        psutil.wait_procs(others, timeout=60)
    server.prepare()
    with running(server), psycopg.connect(server.admin_url) as connection:
        assert connection.execute("select max(number) from kept").fetchone() == (7,)


def test_a_stale_lock_whose_process_id_is_someone_elses_is_cleared(server: Embedded):
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (server.data / "postmaster.pid").write_text(f"{stranger.pid}\n{server.data}\n")
        assert server.running() is None
        server.prepare()
        with running(server):
            pass
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_second_server_on_the_same_data_is_refused_and_a_leftover_ended(server: Embedded):
    server.prepare()
    with running(server) as process:
        with pytest.raises(PortTaken, match=f"process {process.pid}"):
            Embedded(server.state, free_port(), throwaway=True).prepare()
        assert server.stop_leftover() == process.pid or process.wait(60) is not None
    assert server.stop_leftover() is None


def test_a_taken_port_is_named_with_who_has_it_and_the_fix(tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Another program listens on port {port}, `.*--port-offset"):
            Embedded(tmp_path, port).prepare()


def test_a_foreign_postgresql_is_recognised(server: Embedded, tmp_path: Path):
    server.prepare()
    with running(server), pytest.raises(PortTaken, match="Another PostgreSQL"):
        Embedded(tmp_path, server.port).prepare()


def test_data_of_another_major_version_is_left_alone(tmp_path: Path):
    data = tmp_path / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(OtherMajor, match="PostgreSQL 16, this is 18"):
        Embedded(tmp_path, free_port()).prepare()
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_a_folder_that_is_no_data_directory_is_left_alone(tmp_path: Path):
    (tmp_path / "postgres").mkdir()
    with pytest.raises(PostgresError, match="isn't a PostgreSQL data directory"):
        Embedded(tmp_path, free_port()).prepare()


def test_another_password_is_told_apart_from_not_being_ready(server: Embedded):
    server.prepare()
    with running(server):
        secrets = server.state / "secrets.toml"
        kept = secrets.read_text()
        secrets.unlink()
        try:
            with pytest.raises(PostgresNotReady, match="Restore that file"):
                Embedded(server.state, server.port).wait_ready(5)
        finally:
            secrets.write_text(kept)


def test_a_server_that_ends_while_it_is_awaited_is_an_error_at_once(tmp_path: Path):
    with pytest.raises(PostgresNotReady, match="gate logs postgres"):
        Embedded(tmp_path, free_port()).wait_ready(30, still_running=lambda: False)


def test_a_killed_initdb_leaves_no_data_directory(tmp_path: Path):
    leftover = tmp_path / "postgres.new-999999999"
    leftover.mkdir()
    server = Embedded(tmp_path, free_port(), throwaway=True)
    server.prepare()
    assert not leftover.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["postgres", "secrets.lock", "secrets.toml"]


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgres, "NEEDED_DISK", 2**62)
    with pytest.raises(DiskFull, match="Free some space"):
        Embedded(tmp_path, free_port()).prepare()
    assert not (tmp_path / "postgres").exists()


def test_the_connection_string_is_left_for_the_owner(server: Embedded):
    file = server.write_url_file()
    assert (file.read_text().strip(), oct(file.stat().st_mode & 0o777)) == (server.admin_url, "0o600")


def test_only_a_throwaway_server_answers_before_the_disk_has_it(tmp_path: Path) -> None:
    """Killed four times under load without waiting for the disk, it lost 23 of 1,336 acknowledged writes."""
    unsafe = {"fsync=off", "full_page_writes=off", "synchronous_commit=off"}
    assert not unsafe & set(Embedded(tmp_path, 1).command()[0])
    assert unsafe <= set(Embedded(tmp_path, 1, throwaway=True).command()[0])
