import json
import random
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from gatehouse_local.cli import log_order, up_commands
from gatehouse_local.cli.log_order import NoRequestId, in_order, of_request

TRACE = "01a228a1b6417045b9565d496601bf85"
REQUEST = "01a228a1-b641-7045-b956-5d496601bf85"
OTHER = "0" * 31 + "1"


def line(second: int, *, trace: str = TRACE, request: str = REQUEST, **more: str) -> str:
    stamp = f"2026-11-29T18:46:{second:02d}.000000Z"
    fields = {"event": "request", "request_id": request, "trace_id": trace, "timestamp": stamp, **more}
    return json.dumps(fields, separators=(",", ":"))


def test_lines_of_all_logs_come_by_time():
    logs = {"portal": [line(1), line(4)], "person": [line(2), line(3)], "empty": []}
    assert [name for name, _ in in_order(logs)] == ["portal", "person", "person", "portal"]


def test_a_line_without_a_time_stays_behind_the_one_before_it():
    logs = {"portal": ["Traceback", line(2), "  in a file", "ValueError"], "person": [line(1), line(3)]}
    assert [text if len(text) < 20 else "-" for _, text in in_order(logs)] == [
        "Traceback",
        "-",
        "-",
        "  in a file",
        "ValueError",
        "-",
    ]


def test_postgres_lines_are_ordered_too():
    logs = {"postgres": ["2026-11-29 18:46:02.858 UTC [210] LOG:  slow"], "person": [line(1), line(3)]}
    assert [name for name, _ in in_order(logs)] == ["person", "postgres", "person"]


@pytest.mark.parametrize("stamp", ["2026-13-45T99:99:99.000000Z", "not a time but long enough"])
def test_a_time_that_is_none_orders_nothing(stamp):
    bad = json.dumps({"timestamp": stamp}, separators=(",", ":"))
    assert [name for name, _ in in_order({"a": [line(2), bad], "b": [line(3)]})] == ["a", "a", "b"]


@pytest.fixture
def paths(tmp_path):
    """Six services' logs with one request among 2,000 others; the oldest line is in the older half."""
    made = random.Random(7)
    names = ["portal", "identity", "person", "topics", "partner", "curriculum"]
    for number, name in enumerate(names):
        ids = [f"{made.getrandbits(128):032x}" for _ in range(2000)]
        noise = [line(made.randrange(60), trace=one, request=f"{one[:8]}-{one[8:12]}") for one in ids]
        # A call has a request id of its own, and the trace id of the request that led to it.
        own = REQUEST if name == "portal" else f"01a228a1-0000-7000-8000-{number:012d}"
        noise.append(line(10 + number, request=own, at=name))
        noise.sort(key=lambda text: text[text.index('"timestamp"') :])
        if name == "portal":
            (tmp_path / "portal.log.1").write_text(line(9, at="first") + "\n")
        (tmp_path / f"{name}.log").write_text("\n".join(noise))
    return {name: tmp_path / f"{name}.log" for name in names}


@pytest.mark.parametrize("identifier", [TRACE, REQUEST, TRACE.upper(), f" {TRACE}\n", TRACE[:20], REQUEST[:21]])
def test_a_request_is_found_in_all_services_in_order(paths, identifier):
    lines = of_request(paths, identifier)
    assert [json.loads(text)["at"] for _, text in lines] == ["first", *paths]


@pytest.mark.parametrize("seconds", [-3600, 0, 3600])
def test_of_a_long_log_only_the_time_of_the_request_is_read(tmp_path, monkeypatch, seconds):
    """Ids of ours say when they were made; where nothing is found there (a clock was wrong), all is read."""
    made = int(TRACE[:12], 16) / 1000 + seconds
    stamps = [datetime.fromtimestamp(made + number - 5000, UTC) for number in range(10_000)]
    fill = "x" * 60
    texts = [
        json.dumps(
            {"timestamp": f"{stamp:%Y-%m-%dT%H:%M:%S.%f}Z", "trace_id": OTHER, "fill": fill}, separators=(",", ":")
        )
        for stamp in stamps
    ]
    texts[5000] = texts[5000].replace(OTHER, TRACE)
    paths = {"a": tmp_path / "a.log", "b": tmp_path / "b.log"}
    for path in paths.values():
        path.write_text("\n".join([*texts[:2000], "Traceback", "  a line without a time", *texts[2000:]]) + "\n")
    whole = []
    monkeypatch.setattr(log_order, "_whole", lambda path: whole.append(path) or path.read_bytes())
    assert of_request(paths, TRACE) == [("a", texts[5000]), ("b", texts[5000])]
    assert bool(whole) == (seconds != 0)


def test_a_call_of_the_request_finds_the_whole(paths):
    assert len(of_request(paths, "01a228a1-0000-7000-8000-000000000002")) == len(paths) + 1


def test_what_nobody_logged_is_found_nowhere(paths):
    assert of_request(paths, "f" * 32) == []


@pytest.mark.parametrize("identifier", ["", "01a228", "xyz", "../../etc", TRACE + "0", '"trace_id":"'])
def test_what_is_no_identifier_is_refused(paths, identifier):
    with pytest.raises(NoRequestId, match="hexadecimal"):
        of_request(paths, identifier)


def logs(*arguments: str):
    return CliRunner().invoke(up_commands.logs, [*arguments])


def test_the_command_shows_a_request_of_all_services(paths, tmp_path):
    (tmp_path / "state").mkdir()
    folder = tmp_path / "state" / "logs"
    folder.mkdir()
    for path in [*paths.values(), tmp_path / "portal.log.1"]:
        path.rename(folder / path.name)
    state = ("--state", str(tmp_path / "state"))
    result = logs("--trace", REQUEST, *state)
    assert result.exit_code == 0, result.output
    assert [text.split()[0] for text in result.output.splitlines()] == ["portal", *paths]
    nobody = logs("--trace", "f" * 32, *state)
    assert nobody.exit_code == 1
    assert "belongs to ffff" in str(nobody.exception) + nobody.output
    wrong = logs("--trace", "nonsense", *state)
    assert wrong.exit_code == 2
    assert "'nonsense' is no request id or trace id" in wrong.output
