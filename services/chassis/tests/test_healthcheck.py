"""The health check as an engine starts it: by its path, without site-packages."""

import subprocess
import sys
from pathlib import Path

import gatehouse_chassis

SCRIPT = Path(gatehouse_chassis.__file__).with_name("healthcheck.py")


def test_started_by_its_path_it_finds_pythons_own_modules():
    command = [sys.executable, "-S", str(SCRIPT)]
    done = subprocess.run(command, env={"GATEHOUSE_PORT": "1"}, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("no answer: ")
