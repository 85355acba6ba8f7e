"""Tests that need a program this machine lacks: skipped, and named once at the end of the run with the fix.

A test skips with the words "NAME isn't installed. Fix: ...". Where the environment says CI=true such a skip is a
failure, because CI installs every program.
"""

import os
import re
from collections import Counter
from collections.abc import Generator

import pytest

_MISSING = re.compile(r"(?P<program>[^:\n]+?) isn't installed(?: here)?\. Fix: (?P<fix>.+)")


class MissingPrograms:
    """A pytest plugin."""

    def __init__(self) -> None:
        self._tests: Counter[tuple[str, str]] = Counter()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if os.environ.get("CI") == "true" and (reason := _reason(report)):
            report.outcome = "failed"
            report.longrepr = f"{reason[0]}\nWith CI=true, a missing program is a failure."
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if reason := _reason(report):
            self._tests[reason["program"], reason["fix"]] += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._tests:
            terminalreporter.section("skipped: these programs aren't installed", sep="=")
        for (program, fix), count in sorted(self._tests.items()):
            terminalreporter.line(f"{program}: {count} {'test' if count == 1 else 'tests'}. Fix: {fix}")


def _reason(report: pytest.TestReport) -> re.Match[str] | None:
    if report.skipped and isinstance(report.longrepr, tuple):
        return _MISSING.search(report.longrepr[2].removeprefix("Skipped: "))
    return None
