"""Who asks: in a workflow the one who triggered this very run, elsewhere who says so."""

import pytest

from gatehouse_release.change_set import Impossible
from gatehouse_release.cli.actions import who_asks

from .test_commands import Gate, checkout, gate  # noqa: F401 - fixtures

WORKFLOW = {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "viktor", "GITHUB_TRIGGERING_ACTOR": "viktor"}


def test_a_workflow_asks_as_who_triggered_it():
    assert who_asks(None, WORKFLOW) == "viktor"


@pytest.mark.parametrize("triggering", ["mallory", "", "Viktor"])
def test_a_run_started_again_by_another_is_refused(triggering: str):
    with pytest.raises(Impossible, match=r"viktor started this run.*Start a new run") as refused:
        who_asks(None, {**WORKFLOW, "GITHUB_TRIGGERING_ACTOR": triggering})
    assert refused.value.reason.rule == "actor"


def test_a_run_that_doesnt_say_who_triggered_it_is_refused():
    with pytest.raises(Impossible, match="nobody"):
        who_asks(None, {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "viktor"})


def test_nobody_takes_another_name_in_a_workflow():
    with pytest.raises(Impossible, match="--as"):
        who_asks("tomas", WORKFLOW)


def test_on_your_own_machine_you_may_say_who_you_are():
    assert who_asks("sunita", {"GITHUB_ACTOR": "viktor"}) == "sunita"


def test_the_command_line_refuses_and_writes_nothing(gate: Gate, monkeypatch: pytest.MonkeyPatch):  # noqa: F811
    for name, value in {**WORKFLOW, "GITHUB_TRIGGERING_ACTOR": "mallory"}.items():
        monkeypatch.setenv(name, value)
    from click.testing import CliRunner

    from gatehouse_release.cli.commands import promote

    refused = CliRunner().invoke(promote, ["freeze", "staging", "--reason", "mine"])
    assert refused.exit_code == 2
    assert "viktor started this run, and mallory started it again" in " ".join(refused.output.split())
    for name in WORKFLOW:
        monkeypatch.delenv(name)
    assert "freeze" not in gate("log").output
