"""The table of faults in README.md: each of F1 to F11 has a test, and every test that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (F\d+): .* \| .* \| (.*) \|$", re.MULTILINE)


def test_every_fault_names_tests_that_exist():
    rows = ROW.findall((ROOT / "platform/README.md").read_text(encoding="utf-8"))
    assert {fault for fault, _ in rows} == {f"F{number}" for number in range(1, 12)}
    sources = [file.read_text() for folder in ("platform", "ci") for file in (ROOT / folder).rglob("test_*.py")]
    known = {name for text in sources for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}
    for fault, tests in rows:
        named = re.findall(r"`(test_\w+)`", tests)
        assert named, fault
        assert set(named) <= known, f"{fault}: {set(named) - known}"
