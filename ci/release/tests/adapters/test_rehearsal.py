"""A rehearsal's ports: what they say of a checkout that has one, and that nothing else knows of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from gatehouse_release.adapters import wiring
from gatehouse_release.adapters.rehearsal import (
    Rehearsal,
    RehearsalClock,
    RehearsalSettings,
    offsets_from,
    outside,
    rehearsal_of,
)

PACKAGE = Path(wiring.__file__).parents[1]


@pytest.fixture
def rehearsal(tmp_path: Path) -> Rehearsal:
    found = Rehearsal(tmp_path)
    found.settings = RehearsalSettings(offsets=offsets_from(4200), seeded=True)
    return found


def test_a_checkout_means_its_rehearsal_as_long_as_there_is_one(rehearsal: Rehearsal, tmp_path: Path):
    assert rehearsal_of(tmp_path, {}) is not None
    assert isinstance(wiring.connect(tmp_path, {}), wiring.RehearsalPorts)
    assert type(wiring.connect(tmp_path, {"GATEHOUSE_REHEARSAL": "off"})) is wiring.Connected
    assert rehearsal_of(tmp_path, {"GITHUB_ACTIONS": "true"}) is None
    assert rehearsal_of(tmp_path / "elsewhere", {}) is None
    rehearsal.settings = msgspec.structs.replace(rehearsal.settings, seeded=False)
    assert rehearsal_of(tmp_path, {}) is None, "one that isn't whole is for who makes it"
    assert rehearsal_of(tmp_path, {"GATEHOUSE_REHEARSAL": "on"}) is not None


def test_its_clock_skips_ahead_and_never_back(rehearsal: Rehearsal):
    clock = RehearsalClock(rehearsal)
    monday = datetime.now(UTC) + timedelta(days=3)
    clock.skip_to(monday)
    assert monday <= clock.now() < monday + timedelta(hours=1)
    clock.skip_to(datetime.now(UTC))
    assert clock.now() >= monday


def test_what_runs_for_it_is_given_nothing_of_the_service_that_asks():
    given = outside({"GATEHOUSE_DATABASE_URL": "secret", "PYTHONPATH": "x", "PATH": "/bin"})
    assert given == {"PATH": "/bin", "GATEHOUSE_REHEARSAL": "off"}


def test_it_differs_from_aws_in_ports_alone():
    """The list of what differs. Rules, decisions, records, outcomes, previews: none asks whether it is a rehearsal."""
    ports = {name for name in vars(wiring.RehearsalPorts) if not name.startswith("__")}
    assert ports == {"repository", "registry", "runtime", "previews", "black_box"}
    own = {"adapters/rehearsal.py", "adapters/rehearsal_registry.py", "adapters/rehearsal_runtime.py"}
    told = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if "rehears" in file.read_text(encoding="utf-8").lower()
    }
    assert told == {*own, "adapters/wiring.py"}
