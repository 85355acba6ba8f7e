"""What `gate rehearse` makes and takes away. The four platforms themselves: tests/benchmarks/rehearsal.py, tour.py."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from gatehouse_ci.rehearsal import make
from gatehouse_release.adapters import rehearsal_runtime
from gatehouse_release.adapters.rehearsal import Rehearsal, RehearsalSettings, offsets_from
from gatehouse_release.ports import PortFailed


def test_one_environment_that_does_not_stop_keeps_no_other_awake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rehearsal = Rehearsal(tmp_path)
    rehearsal.settings = RehearsalSettings(offsets=offsets_from(100), seeded=True)
    for name in rehearsal.settings.offsets:
        rehearsal.checkout(name).mkdir(parents=True)
    asked = []

    def gate(_: Rehearsal, *words: str, patience: float) -> "CompletedProcess[str]":
        environment = next(name for name in rehearsal.settings.offsets if f"environments/{name}/state" in words[-1])
        asked.append(environment)
        if environment == "test":
            raise PortFailed(f"gate down took more than {patience:.0f} s.")
        return CompletedProcess(words, 1 if environment == "dev" else 0, "", "its runner hangs")

    monkeypatch.setattr(rehearsal_runtime, "gate", gate)
    with pytest.raises(PortFailed) as raised:
        make.stop(rehearsal)
    assert sorted(asked) == ["dev", "dev", "production", "staging", "test", "test"], "those that were slow, again"
    assert str(raised.value).splitlines() == [
        "dev doesn't stop: its runner hangs",
        "test doesn't stop: gate down took more than 300 s.",
        "The other environments are stopped. See: gate rehearse status",
    ]
