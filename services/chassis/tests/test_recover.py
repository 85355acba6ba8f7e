"""What `recover` prints: the counts and nothing else, whatever is logged meanwhile."""

import json
from collections.abc import Iterable

import pytest
import structlog

from gatehouse_chassis import recover


def test_a_warning_is_no_part_of_the_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def replayed(package: str, _url: str, _lines: Iterable[bytes]) -> dict[str, int]:
        structlog.get_logger().warning("slow statement", package=package)
        return {"roles_revoked": 1}

    before = structlog.get_config()
    monkeypatch.setattr(recover, "recover", replayed)
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": ()}))
    try:
        assert recover.main(["identity"]) is None
    finally:
        structlog.configure(**before)
    said = capsys.readouterr()
    assert json.loads(said.out) == {"roles_revoked": 1}
    assert "slow statement" in said.err
