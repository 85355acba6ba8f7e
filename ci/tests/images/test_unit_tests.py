"""What a release says of its service's unit tests, from what pytest said."""

from pathlib import Path

import pytest

from gatehouse_catalog.releases import UnitTests
from gatehouse_ci.images.unit_tests import result, run


def junit(**counts: int) -> str:
    attributes = " ".join(f'{key}="{value}"' for key, value in counts.items())
    return f"<testsuites><testsuite {attributes}/></testsuites>"


@pytest.mark.parametrize(
    ("code", "report", "expected"),
    [
        (0, junit(tests=31, failures=0, errors=0, skipped=0), UnitTests(passed=True, summary="31 passed")),
        (
            1,
            junit(tests=33, failures=2, errors=0, skipped=1),
            UnitTests(passed=False, summary="2 failed, 30 passed, 1 skipped"),
        ),
        (1, junit(tests=3, failures=0, errors=1, skipped=0), UnitTests(passed=False, summary="1 errors, 2 passed")),
        # It ended otherwise than it should: a report that looks good proves nothing.
        (2, junit(tests=3, failures=0, errors=0, skipped=0), UnitTests(passed=False, summary="3 passed")),
        (4, "", UnitTests(passed=False, summary="pytest ended with 4")),
    ],
)
def test_a_result_is_what_pytest_said(code: int, report: str, expected: UnitTests):
    assert result(code, report) == expected


def test_a_service_is_tested_without_the_jobs_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    tests = tmp_path / "services" / "person" / "tests"
    tests.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (tests / "test_it.py").write_text(
        "import os\n\n"
        "def test_no_token():\n    assert 'GITHUB_TOKEN' not in os.environ\n\n"
        "def test_red():\n    assert False\n"
    )
    said: list[str] = []
    found = run(tmp_path, ["person", "topics"], said.append)
    assert found["person"] == UnitTests(passed=False, summary="1 failed, 1 passed")
    assert not found["topics"].passed
    assert said[0] == "person: unit tests failed: 1 failed, 1 passed"
