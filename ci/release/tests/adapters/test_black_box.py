"""The black-box suite as promotion runs it: a program of the checkout, judged by its exit code and last line."""

from pathlib import Path

import pytest

from gatehouse_release.adapters import black_box
from gatehouse_release.ports import NotConfigured

STACK = "config:\n  gatehouse:dns: {name: dev.gatehouse.example, zone: Z0}\n"


def checkout(folder: Path, script: str) -> Path:
    """A checkout whose `./local/test` is `script`."""
    (folder / "local").mkdir()
    (folder / "stacks").mkdir()
    (folder / "stacks" / "Pulumi.dev.yaml").write_text(STACK)
    (folder / "local" / "test").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "local" / "test").chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("script", "passed", "summary"),
    [
        ("echo '12 passed, 3 skipped in 4.56s'", True, "12 passed, 3 skipped"),
        ("echo '===== 2 passed in 61.02s (0:01:01) ====='", True, "2 passed"),
        ("echo '1 failed, 11 passed in 4.56s'; exit 1", False, "1 failed, 11 passed"),
        ("echo 'FAILED a/b.py::test_c[1] - x\n1 failed in 0.1s'; exit 1", False, "1 failed; test_c"),
        ("echo '15 skipped in 0.56s'", False, "15 skipped"),
        ("echo 'no such address' >&2; exit 3", False, "no such address"),
        ("exit 3", False, "ended with 3"),
    ],
)
def test_an_environment_passes_only_if_something_passed(tmp_path: Path, script: str, passed: bool, summary: str):
    found = black_box.connect(checkout(tmp_path, script), {}).run("dev")
    assert (found.passed, found.summary) == (passed, summary)


def test_it_asks_where_people_open_the_environment(tmp_path: Path):
    root = checkout(tmp_path, 'echo "$1 $2: 1 passed in 0s" >&2; echo "$@" > asked; echo "1 passed in 0.01s"')
    black_box.connect(root, {}).run("dev")
    assert (root / "asked").read_text() == "blackbox https://dev.gatehouse.example\n"
    black_box.connect(root, {"GATEHOUSE_ADDRESS_DEV": "http://localhost:8400"}).run("dev")
    assert (root / "asked").read_text() == "blackbox http://localhost:8400\n"


def test_in_production_the_suite_is_told_to_read_only(tmp_path: Path):
    root = checkout(tmp_path, 'echo "${GATEHOUSE_BLACKBOX_READ_ONLY:-no}" >> asked; echo "1 passed in 0.01s"')
    environ = {"GATEHOUSE_ADDRESS_STAGING": "http://localhost:1", "GATEHOUSE_ADDRESS_PRODUCTION": "http://localhost:2"}
    for environment in ("staging", "production"):
        black_box.connect(root, environ).run(environment)
    assert (root / "asked").read_text().split() == ["no", "1"]


def test_it_is_told_what_changed_and_says_what_it_left_out(tmp_path: Path):
    root = checkout(tmp_path, 'echo "$GATEHOUSE_BLACKBOX_CHANGED" >> asked; echo "7 passed, 195 deselected in 0.01s"')
    environ = {"GATEHOUSE_ADDRESS_PRODUCTION": "http://localhost:2"}
    found = black_box.connect(root, environ).run("dev", {"topics", "portal"})
    assert found.passed
    assert found.summary == "7 passed, 195 deselected: what meets none of portal, topics"
    assert black_box.connect(root, environ).run("production", {"portal"}).summary == "7 passed, 195 deselected"
    assert (root / "asked").read_text() == "portal,topics\n\n", "the little that runs in production runs always"


def test_an_environment_without_an_address_is_told(tmp_path: Path):
    with pytest.raises(NotConfigured, match="GATEHOUSE_ADDRESS_TEST"):
        black_box.connect(checkout(tmp_path, "true"), {}).run("test")


def test_a_checkout_without_the_suite_is_told(tmp_path: Path):
    with pytest.raises(NotConfigured, match="run this in a checkout"):
        black_box.connect(tmp_path, {}).run("dev")
