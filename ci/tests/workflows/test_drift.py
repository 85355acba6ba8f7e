"""Drift is what a preview would do; a stand-in for Pulumi answers as its --json does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse_catalog import find_root
from gatehouse_ci.workflows.drift import find_drift
from gatehouse_release.ports import NotConfigured, PortFailed
from gatehouse_release.testing.checkout import copied, write

ROOT = find_root(Path(__file__))
SERVICE = "urn:pulumi:dev::gatehouse::gatehouse:platform:Service$aws:ecs/service:Service::person"
STACK = "urn:pulumi:dev::gatehouse::pulumi:pulumi:Stack::gatehouse-dev"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """With a release in dev."""
    root = copied(ROOT, tmp_path / "gatehouse").root
    text = "config:\n  aws:region: eu-central-1\n  gatehouse:releases: {person: {tag: v1}}\n"
    write(root / "stacks" / "Pulumi.dev.yaml", text)
    return root


def pulumi(folder: Path, *operations: tuple[str, str], code: int = 0) -> dict[str, str]:
    """An environment whose Pulumi answers with these steps, after it has checked how it is asked."""
    said = json.dumps({"steps": [{"op": operation, "urn": urn} for operation, urn in operations]})
    script = f"""#!/bin/sh
[ "$*" = "preview --stack dev --refresh --json --non-interactive" ] || exit 64
[ {code} = 0 ] || echo "error: no stack named dev found" >&2
echo '{said}'
exit {code}
"""
    write(folder / "pulumi", script)
    (folder / "pulumi").chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def test_an_empty_preview_is_no_drift(checkout: Path, tmp_path: Path):
    found = find_drift(checkout, "dev", pulumi(tmp_path / "bin", ("same", STACK), ("refresh", SERVICE)))
    assert (found.looked, found.changes) == (True, ())
    assert str(found) == "dev has not drifted from main."


def test_what_a_deployment_would_do_is_drift(checkout: Path, tmp_path: Path):
    found = find_drift(checkout, "dev", pulumi(tmp_path / "bin", ("same", STACK), ("update", SERVICE)))
    assert found.changes == ("update aws:ecs/service:Service person",)
    assert "Fix: platform/runbooks/drift.md" in str(found)


def test_a_preview_that_fails_is_told_in_its_own_words(checkout: Path, tmp_path: Path):
    with pytest.raises(PortFailed, match=r"no stack named dev found"):
        find_drift(checkout, "dev", pulumi(tmp_path / "bin", code=255))


def test_where_nothing_is_released_there_is_nothing_to_compare(tmp_path: Path):
    root = copied(ROOT, tmp_path / "gatehouse").root
    write(root / "stacks" / "Pulumi.dev.yaml", "config:\n  gatehouse:releases: {}\n")
    assert not find_drift(root, "dev", {"PATH": ""}).looked


def test_without_pulumi_it_says_what_to_do(checkout: Path):
    with pytest.raises(NotConfigured, match=r"Fix: install it"):
        find_drift(checkout, "dev", {"PATH": ""})
    with pytest.raises(NotConfigured, match=r"no stacks/Pulumi\.nowhere\.yaml"):
        find_drift(checkout, "nowhere", {"PATH": ""})


def test_the_command_ends_with_2_where_there_is_drift(checkout: Path, tmp_path: Path):
    command = [sys.executable, "-m", "gatehouse_local.gate", "--root", str(checkout), "drift", "dev"]
    environ = pulumi(tmp_path / "bin", ("delete", SERVICE))
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, "delete aws:ecs/service:Service person" in done.stdout) == (2, True)
