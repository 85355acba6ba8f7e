"""`gate token` on a running platform, and what it says without one."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

GATE = [sys.executable, "-m", "gatehouse_local.gate", "token"]


def run(*words: str, state: Path) -> subprocess.CompletedProcess:
    command = [*GATE, *words, "--state", str(state)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=os.environ)


def test_without_a_platform_it_says_how_to_start_one(tmp_path: Path):
    done = run("mentor", state=tmp_path)
    assert (done.returncode, done.stderr) == (1, "Error: identity isn't running. Fix: start it with ./local/up\n")


@pytest.mark.platform
def test_the_token_opens_what_the_persona_may_see(platform):
    state = Path(platform.state)
    token = run("mentor", state=state).stdout.strip()
    request = urllib.request.Request(f"{platform.url}/api/identity/me", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as response:
        assert json.load(response)["name"] == "Mara Lindgren"
    assert set(json.loads(run("sre", "--json", state=state).stdout)) >= {"access_token", "refresh_token", "expires_in"}
    assert "There is no persona nobody. Known: admin, " in run("nobody", state=state).stderr
