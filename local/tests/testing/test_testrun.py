"""Which platform a black-box run tests, and what it says when there is none."""

import socket
from pathlib import Path

import pytest

from gatehouse_local.testing.testrun import NothingAnswers, take_url


@pytest.fixture
def listening():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture(autouse=True)
def nowhere_else(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GATEHOUSE_URL", raising=False)


@pytest.mark.parametrize("typed", ["http://127.0.0.1:{port}", "127.0.0.1:{port}", "localhost:{port}"])
def test_an_address_is_taken_with_and_without_its_scheme(listening: int, tmp_path: Path, typed: str):
    words = ["blackbox", typed.format(port=listening), "-x"]
    url = take_url(tmp_path, words)
    assert url is not None
    assert url.startswith("http://")
    assert words == ["blackbox", "-x"]


@pytest.mark.parametrize("typed", ["http://127.0.0.1:1", "127.0.0.1:1", "http://nowhere.invalid"])
def test_where_nothing_answers_no_test_is_begun(tmp_path: Path, typed: str):
    with pytest.raises(NothingAnswers, match=r"Nothing answers at http://.*Fix: start it with \./local/up"):
        take_url(tmp_path, ["blackbox", typed])


def test_the_environments_address_is_tried_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GATEHOUSE_URL", "http://127.0.0.1:1")
    with pytest.raises(NothingAnswers):
        take_url(tmp_path, ["blackbox"])
