"""`breakpoint()` in a service of the runner: a hint instead of an error."""

import sys

import pytest

from gatehouse_local.breakpoints import skip


def test_a_breakpoint_is_skipped_and_says_how_to_stop_there(capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["gatehouse_chassis", "person"])
    skip()
    said = capsys.readouterr().err
    assert f"Skipped breakpoint() at {__file__}:" in said
    assert "To stop there: gate debug person" in said
