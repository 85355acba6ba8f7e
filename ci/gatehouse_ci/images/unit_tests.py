"""Runs the unit tests of services, and says of each what came of them, so that its release carries the result.

A failure stops nothing here: the release goes to dev with it, and `gate promote` asks before it goes further.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

from gatehouse_catalog.releases import UnitTests

LONGEST_SECONDS = 600
# What spans services runs elsewhere: the black-box suite against dev, journeys in the pull request.
UNIT = "not platform and not browser"
# A test needs none of the job's credentials, which are in its environment.
PASSED_ON = ("PATH", "HOME", "LANG", "CI", "TMPDIR", "VIRTUAL_ENV", "UV_CACHE_DIR", "SSL_CERT_FILE", "PYTHONPATH")
NOTHING_COLLECTED = 5


def run(
    root: Path, services: Iterable[str], report: Callable[[str], None], environ: Mapping[str, str] = os.environ
) -> dict[str, UnitTests]:
    """By service. PYTHONPATH, if `environ` has one, says where the checkout's packages are that aren't installed."""
    found = {}
    for service in services:
        found[service] = _run(root, service, environ)
        report(f"{service}: unit tests {'passed' if found[service].passed else 'failed'}: {found[service].summary}")
    return found


def _run(root: Path, service: str, environ: Mapping[str, str] = os.environ) -> UnitTests:
    with tempfile.TemporaryDirectory(prefix="gatehouse-unit-tests-") as folder:
        file = Path(folder) / "junit.xml"
        words = [f"services/{service}/tests", "-m", UNIT, "-n0", "-q", f"--junitxml={file}"]
        environment = {key: environ[key] for key in PASSED_ON if key in environ}
        try:
            done = subprocess.run(  # noqa: S603 - pytest, on a service of the catalog
                [sys.executable, "-m", "pytest", *words],
                cwd=root,
                env=environment,
                check=False,
                timeout=LONGEST_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return UnitTests(passed=False, summary=f"stopped after {LONGEST_SECONDS} s")
        if done.returncode == NOTHING_COLLECTED:
            return UnitTests(passed=False, summary="there are none")
        return result(done.returncode, file.read_text(encoding="utf-8") if file.exists() else "")


def result(code: int, junit: str) -> UnitTests:
    """What pytest's exit code and its report in JUnit's form say. Without a report the code is all there is."""
    try:
        suites = list(ElementTree.fromstring(junit).iter("testsuite"))  # noqa: S314 - pytest wrote it just now
    except ElementTree.ParseError:
        return UnitTests(passed=False, summary=f"pytest ended with {code}")
    total, failures, errors, skipped = (
        sum(int(suite.get(key, 0)) for suite in suites) for key in ("tests", "failures", "errors", "skipped")
    )
    counts = {"failed": failures, "errors": errors, "passed": total - failures - errors - skipped, "skipped": skipped}
    summary = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return UnitTests(passed=code == 0 and not failures + errors, summary=summary or f"pytest ended with {code}")
