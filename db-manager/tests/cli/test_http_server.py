"""`gate db serve`, asked over HTTP; read-only, and ready only when nothing is pending."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Generator

import pytest

from gatehouse_db_manager.cli.http_server import Watcher, server


def ask(url: str, method: str = "GET") -> tuple[int, str]:
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@contextlib.contextmanager
def serving(url: str, configuration) -> Generator[str]:
    with server(Watcher(url, configuration, max_age=0), "127.0.0.1", 0) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=[0.01])
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}"
        finally:
            listening.shutdown()
            thread.join()


def test_it_is_ready_only_when_nothing_is_pending(checkout, database):
    checkout.collection()
    with serving(database.url, checkout.load()) as url:
        status, text = ask(f"{url}/health")
        assert (status, json.loads(text)["status"]) == (503, "pending")
        assert json.loads(ask(f"{url}/versions")[1]) == {"versions": []}
        database.apply(checkout)
        status, text = ask(f"{url}/health")
        assert (status, json.loads(text)["status"]) == (200, "ready")
    checkout.collection(version="1.0.1.0", columns={"nick": {"type": "text"}})
    with serving(database.url, checkout.load()) as url:
        status, text = ask(f"{url}/health/ready")
        assert status == 503
        assert json.loads(text)["pending"] == 1
        assert ask(f"{url}/health/live")[0] == 200


def test_versions_and_runs_are_told(checkout, database):
    checkout.collection()
    database.apply(checkout)
    with serving(database.url, checkout.load()) as url:
        (version,) = json.loads(ask(f"{url}/versions")[1])["versions"]
        assert (version["schema"], version["collection"], version["version"]) == ("person", "person", "1.0.0.0")
        (run,) = json.loads(ask(f"{url}/runs")[1])["runs"]
        assert (run["schema"], run["state"]) == ("person", "done")
        assert "create table person" in [step["what"] for step in run["steps"]]


def test_metrics_name_versions_and_what_is_pending(checkout, database):
    checkout.collection()
    database.apply(checkout)
    with serving(database.url, checkout.load()) as url:
        text = ask(f"{url}/metrics")[1]
    assert 'gatehouse_collection_version_info{schema="person",collection="person",version="1.0.0.0"} 1\n' in text
    assert "gatehouse_db_up 1\n" in text
    assert "gatehouse_db_pending_steps 0\n" in text
    assert 'gatehouse_db_runs{schema="person",state="done"} 1\n' in text
    assert 'gatehouse_db_last_run_duration_seconds{schema="person"} ' in text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_changed(checkout, database, method: str):
    with serving(database.url, checkout.load()) as url:
        assert ask(f"{url}/versions", method)[0] == 405
        assert ask(f"{url}/apply")[0] == 404


def test_without_a_database_it_is_alive_but_not_ready(checkout):
    checkout.collection()
    with serving("postgresql://127.0.0.1:1/none", checkout.load()) as url:
        assert ask(f"{url}/health/live")[0] == 200
        assert ask(f"{url}/health")[0] == 503
        assert ask(f"{url}/versions")[0] == 503
        assert "gatehouse_db_up 0\n" in ask(f"{url}/metrics")[1]


def test_the_command_serves_and_ends_well_on_sigterm(checkout, database):
    checkout.collection()
    database.apply(checkout)
    command = [sys.executable, "-c", "from gatehouse_db_manager.cli.commands import db; db()", "serve", "--port", "0"]
    command += ["--url", database.url, "--root", str(checkout.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        assert ask(f"{url}/health")[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
