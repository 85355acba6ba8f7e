"""What was written or typed under a former name: records are read as before, commands name the new ones."""

import re

import pytest
from click.testing import CliRunner

from gatehouse_release import records
from gatehouse_release.cli.commands import promote
from gatehouse_release.policy import parse_policy
from gatehouse_release.state import read_state
from gatehouse_release.yaml_text import TextError

from .conftest import ROOT, World

HOLD = "01KAZ5M1G0AAAAAAAAAAAAAAAA"
# Byte for byte as `gate promote release` wrote it.
LIFTED = f"""\
# Written by `gate promote`. Holds, freezes and verified sets are derived from these files: don't edit them.
id: "01KAZ5M2F8BBBBBBBBBBBBBBBB"
kind: release
environment: dev
by: sam
at: "2026-11-26T09:00:01Z"
reason: "it was fixed"
about: "{HOLD}"
"""
# As somebody may have written it by hand, which takes YAML's own reader.
BY_HAND = LIFTED.replace("kind: release", 'kind:   "release"   # lifted')


@pytest.mark.parametrize("text", [LIFTED, BY_HAND], ids=["as written", "by hand"])
def test_a_record_of_the_kind_release_lifts_its_hold(world: World, text: str):
    held = world.ask("sam", "hold", "dev", services=("person",), reason="slow").record
    assert held
    texts = {path: text.replace(held.id, HOLD) for path, text in world.ports.repository.texts.items()}
    # Records of that time have no seal.
    texts = {path.replace(held.id, HOLD): re.sub(r"^seal: .*\n", "", text, flags=re.M) for path, text in texts.items()}
    assert [hold.id for hold in read_state("", texts).holds("dev")] == [HOLD]
    state = read_state("", {**texts, "stacks/releases/dev/01KAZ5M2F8BBBBBBBBBBBBBBBB.yaml": text})
    assert state.holds("dev") == []
    assert state.records["01KAZ5M2F8BBBBBBBBBBBBBBBB"].kind == "lift"


def test_what_is_written_now_has_the_new_name(world: World):
    held = world.ask("sam", "hold", "dev", services=("person",), reason="slow").record
    assert held
    lifted = world.ask("sam", "lift", "dev", record=held.id).record
    assert lifted
    assert "\nkind: lift\n" in records.render(lifted)


def test_the_command_release_names_lift_with_the_same_words():
    result = CliRunner().invoke(promote, ["release", "dev", "--record", HOLD, "--json"])
    assert result.exit_code == 1
    assert f"gate promote lift dev --record {HOLD} --json" in result.output


def test_a_policy_with_the_former_key_is_refused_with_the_new_one():
    text = (ROOT / "stacks" / "policy.yaml").read_text().replace("  lift:", "  release:")
    with pytest.raises(TextError, match=r"brakes\.release.*was renamed.*Write `lift`"):
        parse_policy(text)
