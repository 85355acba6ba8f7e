import threading

import pytest

from gatehouse_local.runner.logs import LINE_LIMIT, Lines, Log, follow_files, previous, tail


def test_a_line_may_come_in_pieces():
    lines = Lines()
    assert lines.feed(b"one\ntw") == ["one"]
    assert lines.feed(b"o\r\n\xff\n") == ["two", "\ufffd"]
    assert lines.feed(b"rest") == []
    assert lines.end() == ["rest"]


def test_an_endless_line_is_cut():
    assert Lines().feed(b"x" * (LINE_LIMIT + 5)) == ["x" * LINE_LIMIT]


def test_a_log_is_kept_within_its_bound(tmp_path):
    path = tmp_path / "person.log"
    log = Log(path, limit=1000)
    for number in range(100):
        log.write([f"line {number:03d} " + "x" * 20])
    log.close()
    assert path.stat().st_size <= 1000
    assert previous(path).stat().st_size <= 1000
    assert [line[:8] for line in tail(path, 30)] == [f"line {number:03d}" for number in range(70, 100)]


def test_the_last_lines_are_in_memory_too(tmp_path):
    log = Log(None, remembered=3)
    log.write(["a", "b", "c", "d"])
    assert log.last(2) == ["c", "d"]
    assert log.last(10) == ["b", "c", "d"]


def test_a_tail_of_nothing_is_empty(tmp_path):
    assert tail(tmp_path / "nobody.log", 10) == []


def test_a_log_that_cannot_be_written_says_so_once_and_goes_on(tmp_path):
    (tmp_path / "person.log").mkdir()
    log = Log(tmp_path / "person.log")
    log.write(["still here"])
    assert "person.log can't be written" in (log.trouble or "")
    assert log.last(1) == ["still here"]


def test_a_full_disk_is_told_with_its_fix():
    log = Log(_full_disk())
    log.write(["a line"])
    assert "No space left on device" in (log.trouble or "")
    assert "Free some space" in (log.trouble or "")


def _full_disk():
    from pathlib import Path

    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    return Path("/dev/full")


def test_following_sees_new_lines_across_a_turn_over(tmp_path):
    path = tmp_path / "person.log"
    log = Log(path, limit=200)
    log.write(["old"])
    seen = follow_files({"person": path}, every=0.005)
    found: list[tuple[str, str]] = []
    reader = threading.Thread(target=lambda: found.extend(next(seen) for _ in range(20)))
    reader.start()
    while reader.is_alive():
        log.write([f"new {number}" for number in range(4)])
        reader.join(0.02)
    reader.join(60)
    assert ("person", "old") not in found
    assert len(found) == 20
