"""The tour of docs/rehearsal.md, taken in Chromium in a clone: four platforms, from a merge to Go-Live and back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse_local.testing.pytest_plugin import DEEP_SECONDS

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 3600


@pytest.mark.deep
@pytest.mark.browser
@pytest.mark.platform
@pytest.mark.timeout(PATIENCE_SECONDS + 60)
@pytest.mark.skipif(DEEP_SECONDS in os.environ, reason="four platforms beside other tests: it has the night")
def test_every_step_of_the_tour_can_be_taken(tmp_path: Path):
    tour = [sys.executable, str(ROOT / "tests" / "benchmarks" / "tour.py"), str(tmp_path)]
    done = subprocess.run(tour, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "from a clone to a Go-Live of a changed line" in done.stdout
