"""`gate promote` as it is typed: against a bare remote, where nothing but git is configured."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gatehouse_release.adapters.wiring import connect, signed_in
from gatehouse_release.cli.commands import promote
from gatehouse_release.cli.render import age
from gatehouse_release.matrix import matrix
from gatehouse_release.ports import NotConfigured
from gatehouse_release.testing.in_memory import tree

from ..conftest import ROOT, SERVICES, World, all_at
from ..git.test_repository import bare_remote

POLICY = (ROOT / "stacks" / "policy.yaml").read_text()
Gate = Callable[..., Result]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a checkout, and a remote of its own."""
    root = tmp_path / "checkout"
    (root / "services" / "catalog").mkdir(parents=True)
    (root / "pyproject.toml").touch()
    remote = bare_remote(tmp_path / "remote.git", tree(POLICY, SERVICES))
    for name in ("GITHUB_ACTOR", "GITHUB_ACTIONS", "GITHUB_TOKEN", "GATEHOUSE_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATEHOUSE_REMOTE", str(remote))
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def gate(checkout: Path) -> Gate:
    """`gate promote` as Sunita Rao, who is an SRE in the policy."""

    def run(*words: str, who: str = "sunita.rao@example.org") -> Result:
        return CliRunner().invoke(promote, ["--as", who, *words])

    return run


def answered(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_status_shows_every_service_in_every_environment(gate: Gate):
    shown = gate("status")
    assert shown.exit_code == 0, shown.output
    for word in (*SERVICES, "dev", "test", "staging", "production"):
        assert word in shown.output
    found = answered(gate("status", "--json"))
    assert [row["service"] for row in found["rows"]] == sorted(SERVICES)


def test_a_hold_is_put_shown_and_lifted(gate: Gate):
    held = answered(gate("hold", "test", "--domain", "people", "--reason", "wait", "--json"))
    assert held["ok"]
    assert "identity held by sunita.rao@example.org" in " ".join(gate("status").output.split())
    for record in answered(gate("log", "test", "--json")):
        assert gate("lift", "test", "--record", record["id"]).exit_code == 0
    assert not any(column["holds"] for column in answered(gate("status", "--json"))["columns"])


def test_a_freezes_times_are_those_of_the_policys_time_zone(gate: Gate):
    assert gate("freeze", "production", "--until", "2099-12-31T12:00", "--reason", "holidays").exit_code == 0
    assert answered(gate("log", "--json"))[0]["until"] == "2099-12-31T11:00:00Z"


def test_a_refusal_names_rule_reason_and_fix_and_ends_with_2(gate: Gate):
    refused = gate("veto", "production", "--record", "X", "--reason", "no")
    assert refused.exit_code == 2
    assert "X is no record of production." in refused.output
    assert "gate promote log production" in refused.output
    told = gate("explain", "test", "--domain", "poeple", "--json")
    assert told.exit_code == 2
    assert json.loads(told.stdout)["reasons"][0]["rule"] == "unknown"


def test_a_black_box_run_is_accepted_for_a_promotion_only(gate: Gate):
    words = ["--domain", "people", "--tests-of", "person", "--reason", "leap seconds", "--fingerprint", "f" * 64]
    told = gate("accept-tests", "test", *words, "--json")
    assert told.exit_code == 2
    assert [reason["rule"] for reason in json.loads(told.stdout)["reasons"]] == ["nothing-to-promote"]


def test_who_isnt_in_the_policy_is_told_where_it_stands(gate: Gate):
    refused = gate("hold", "dev", "--services", "person", "--reason", "x", who="stranger@example.org")
    assert refused.exit_code == 2
    assert "stranger@example.org has no role here" in refused.output
    assert "stacks/policy.yaml" in refused.output


def test_what_isnt_configured_is_said_and_nothing_pretended(gate: Gate, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GATEHOUSE_REMOTE")
    refused = gate("status")
    assert refused.exit_code == 1
    assert "no remote called origin" in refused.output
    assert "GATEHOUSE_REMOTE" in refused.output


def test_nothing_to_resume_is_said(gate: Gate):
    assert "Nothing was left undecided." in gate("resume").output


def test_a_checkout_without_a_remote_is_told_how_to_get_one(checkout: Path):
    with pytest.raises(NotConfigured, match="no remote called origin"):
        connect(checkout, {}).repository  # noqa: B018 - asking is what raises


def test_a_workflows_token_goes_to_git_and_into_no_argument():
    assert signed_in({"GITHUB_TOKEN": "secret"})() == {}
    handed = signed_in({"GITHUB_TOKEN": "secret", "GITHUB_ACTIONS": "true"})()
    assert handed["GIT_CONFIG_KEY_0"] == "http.https://github.com/.extraheader"
    assert "secret" not in "".join(handed.values())


def test_the_matrix_tells_what_runs_since_when_and_what_waits(world: World):
    world.in_staging(1)
    world.merge(person=2)
    world.ports.clock.pass_hours(3)
    found = matrix(world.state, world.ports.clock.now())
    person = next(row for row in found.rows if row.service == "person").cells
    assert {name: cell.release.tag if cell.release else None for name, cell in person.items()} == {
        "dev": "v2",
        "test": "v1",
        "staging": "v1",
        "production": None,
    }
    assert (person["test"].behind, person["staging"].behind, person["production"].behind) == (True, False, True)
    assert person["dev"].since is not None
    assert world.ports.clock.now() - person["dev"].since < timedelta(hours=4)
    columns = {column.name: column for column in found.columns}
    assert columns["test"].waiting == ("person",)
    assert columns["staging"].waiting == ()
    assert set(columns["production"].waiting) == set(all_at(1))


def test_the_matrix_says_what_was_put_there_by_hand(world: World):
    world.merge(person=1)
    text = world.ports.repository.texts["stacks/Pulumi.dev.yaml"].replace("tag: v1", "tag: v1-hand")
    world.ports.repository.commit({"stacks/Pulumi.dev.yaml": text})
    cell = matrix(world.state, world.ports.clock.now()).rows[2].cells["dev"]
    assert (cell.record, cell.since) == ("", None)


@pytest.mark.parametrize(
    ("minutes", "said"), [(-1, "0 min"), (59, "59 min"), (60, "1 h"), (47 * 60, "47 h"), (2880, "2 d")]
)
def test_ages_read_well(minutes: int, said: str):
    assert age(timedelta(minutes=minutes)) == said
