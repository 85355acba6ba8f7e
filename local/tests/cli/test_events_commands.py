"""`gate events` on a running platform."""

import json
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from gatehouse_local.cli.events_commands import events

pytestmark = pytest.mark.platform


@pytest.fixture(scope="module")
def gate(platform: Any) -> Any:
    def run(*words: str) -> str:
        done = CliRunner().invoke(events, [*words, "--state", str(platform.state)], prog_name="gate events")
        assert done.exit_code == 0, done.output + str(done.exception)
        return done.output

    return run


def test_who_follows_whom_is_told(platform: Any, gate: Any) -> None:
    (followed,) = json.loads(gate("--json"))["identity"]
    assert followed["producer"] == "person"
    assert "person.archived" in followed["types"]
    assert json.loads(gate("parked", "--json")) == []
    assert "Nothing is parked." in gate("retry")


def test_what_is_published_is_seen_and_can_be_handled_again(platform: Any, gate: Any) -> None:
    token = httpx.post(f"{platform.url}/api/identity/personas/coordinator/sessions").json()["access_token"]
    new = {"name": "Seen by tail", "email": "seen-by-tail@example.org"}
    headers = {"Authorization": f"Bearer {token}"}
    person = httpx.post(f"{platform.url}/api/person/people", json=new, headers=headers).json()
    shown = gate("tail", "person", "--no-follow", "--last", "500")
    assert person["id"] in shown
    assert "Seen by tail" not in shown
    assert "events of person again" in gate("replay", "identity", "person", "--since", "2999-01-01T00:00")


def test_what_cannot_be_is_told_with_its_fix(platform: Any) -> None:
    for words, said in (
        (["tail", "portal"], "portal publishes nothing. Known:"),
        (["replay", "portal", "person", "--since", "2026-01-01"], "portal follows nobody"),
        (["replay", "identity", "person", "--since", "soon"], "--since soon: is no time"),
    ):
        done = CliRunner().invoke(events, [*words, "--state", str(platform.state)])
        assert said in str(done.exception or done.output)
