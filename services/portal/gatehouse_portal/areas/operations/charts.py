"""Line charts as plain geometry: what an SVG draws, and its summary in words for screen readers.

A template turns this into markup (throughput/chart.html). Colours and strokes are classes of the style sheet, because
the Content-Security-Policy allows no inline style.
"""

import math
from collections.abc import Callable, Sequence
from itertools import groupby

import msgspec

from gatehouse_portal.areas.operations.prometheus import (
    ERRORS,
    PERCENTILES,
    RANGES,
    RATE,
    STEP,
    Line,
    ServiceFigures,
    TimeRange,
    TrafficFigures,
)

WIDTH, HEIGHT = 340, 150
LEFT, RIGHT, TOP, BOTTOM = 46, 36, 10, 24
LABEL_GAP = 13  # between the names of two lines
UNKNOWN = "none"
# Of the moments, every tenth has a number in the table.
TABLE_EVERY = 10
# Minutes that are drawn: the least that holds all there is. A platform that was just started has no hour behind it.
SPANS = (10, 30, 60)


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """One line: `path` in SVG's words, `dots` where a value stands alone; `name` is written at its end."""

    key: str
    path: str
    area: str = ""
    dots: list[tuple[float, float]] = []
    name: str = ""
    name_y: float = 0


class Tick(msgspec.Struct, frozen=True):
    at: float
    words: str


class Reading(msgspec.Struct, frozen=True):
    """What the chart says of one moment (Unix seconds), where a pointer or the arrow keys are."""

    moment: int
    x: float
    words: str


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """`title` and `summary` are for screen readers; `limit` is where the objective ends."""

    key: str
    title: str
    summary: str
    now: str
    lines: list[Drawn]
    across: list[Tick]
    down: list[Tick]
    limit: Tick | None = None
    readings: list[Reading] = []
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


class ChartRow(msgspec.Struct, frozen=True):
    """The values of one moment, formatted."""

    moment: int
    cells: list[str]


class ServicePanel(msgspec.Struct, frozen=True):
    """One service: its charts, and the same numbers as a table, the latest first."""

    service: ServiceFigures
    charts: list[Chart]
    rows: list[ChartRow]
    cells: list[str]


def rate(value: float | None) -> str:
    """Requests a second: `14.2`, `0.03`."""
    if value is None:
        return UNKNOWN
    return "0" if value == 0 else f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def share(value: float | None) -> str:
    """`0.42%`."""
    if value is None:
        return UNKNOWN
    percent = value * 100
    return f"{percent:.0f}%" if percent == 0 or percent >= 10 else f"{percent:.2g}%"


def latency(value: float | None) -> str:
    """From seconds: `12 ms`, `1.3 s`."""
    if value is None:
        return UNKNOWN
    milliseconds = value * 1000
    if milliseconds >= 999.5:
        return f"{value:.1f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 or milliseconds == 0 else f"{milliseconds:.1f} ms"


def panels(figures: TrafficFigures) -> list[ServicePanel]:
    shown = _latest(figures)
    return [_panel(shown, service) for service in shown.services]


def _latest(figures: TrafficFigures) -> TrafficFigures:
    """As much of the hour as has figures; a longer range is drawn whole."""
    if figures.over != RANGES[0]:
        return figures
    last = len(figures.moments) - 1
    every = [line for service in figures.services for line in service.lines.values()]
    first = min((index for line in every for index, value in enumerate(line) if value is not None), default=last)
    begin = next(start for span in SPANS if (start := last - span * 60 // STEP) <= first)
    return msgspec.structs.replace(
        figures,
        moments=figures.moments[begin:],
        services=[
            msgspec.structs.replace(service, lines={key: line[begin:] for key, line in service.lines.items()})
            for service in figures.services
        ],
    )


def _panel(figures: TrafficFigures, service: ServiceFigures) -> ServicePanel:
    every = [*range(len(figures.moments) - 1, -1, -TABLE_EVERY)]
    rows = [ChartRow(figures.moments[index], _cells(service, index)) for index in every]
    charts = [
        msgspec.structs.replace(chart, readings=_readings(chart, figures.moments, service))
        for chart in (
            _traffic(service, figures.over),
            _errors(service, figures.over),
            _percentiles(service, figures.over),
        )
    ]
    return ServicePanel(service, charts, rows, rows[0].cells)


def _cells(service: ServiceFigures, index: int) -> list[str]:
    lines = service.lines
    percentiles = [latency(lines[which][index]) for which in PERCENTILES]
    return [rate(lines[RATE][index]), share(lines[ERRORS][index]), *percentiles]


def _readings(chart: Chart, moments: list[int], service: ServiceFigures) -> list[Reading]:
    """For each moment the values of the chart's lines in words."""
    lines, words = {
        "traffic": ({"": service.lines[RATE]}, rate),
        "errors": ({"": service.lines[ERRORS]}, share),
        "latency": ({which: service.lines[which] for which in PERCENTILES}, latency),
    }[chart.key]
    last = max(len(moments) - 1, 1)
    return [
        Reading(
            moment, _x(index, last), ", ".join(f"{name} {words(line[index])}".strip() for name, line in lines.items())
        )
        for index, moment in enumerate(moments)
    ]


def _traffic(service: ServiceFigures, over: TimeRange) -> Chart:
    line = service.lines[RATE]
    drawn = {"rate": line}
    return _chart(service, over, "traffic", "Requests a second", drawn, rate, top=_highest(line), area=True)


def _errors(service: ServiceFigures, over: TimeRange) -> Chart:
    line = service.lines[ERRORS]
    # Nothing but zeros is a flat line at the bottom, below what the objective allows.
    top = max(_highest(line), 2 * (service.allowed or 0.005))
    drawn = {"errors": line}
    return _chart(service, over, "errors", "Errors", drawn, share, top=top, area=True, limit=service.allowed)


def _percentiles(service: ServiceFigures, over: TimeRange) -> Chart:
    lines = {which: service.lines[which] for which in PERCENTILES}
    top = max(_highest(line) for line in lines.values())
    return _chart(service, over, "latency", "Time to answer", lines, latency, top=top)


def _chart(
    service: ServiceFigures,
    over: TimeRange,
    key: str,
    title: str,
    lines: dict[str, Line],
    words: Callable[[float | None], str],
    *,
    top: float,
    area: bool = False,
    limit: float | None = None,
) -> Chart:
    scale = nice(top)
    amount, unit, span = over.amount, over.unit, over.words
    if over == RANGES[0]:
        amount = (len(next(iter(lines.values()))) - 1) * STEP // 60
        span = over.words if amount == over.amount else f"{amount} minutes"
    drawn = [_drawn(name, line, scale, area=area) for name, line in lines.items()]
    return Chart(
        key=key,
        title=f"{title} of {service.name}, the last {span}",
        summary=" ".join(_summary(name if len(lines) > 1 else "", line, words) for name, line in lines.items()),
        now=words(next(iter(lines.values()))[-1]) if len(lines) == 1 else "",
        lines=_named(drawn, {name: line[-1] for name, line in lines.items()}, scale) if len(lines) > 1 else drawn,
        across=[
            Tick(_x(part, 4), said) for part, said in ((0, f"{amount} {unit} ago"), (2, f"{amount / 2:g}"), (4, "now"))
        ],
        down=[Tick(_y(scale * part, scale), words(scale * part)) for part in (0, 0.5, 1)],
        limit=None if limit is None else Tick(_y(limit, scale), f"{words(limit)} allowed"),
    )


def _summary(name: str, line: Line, words: Callable[[float | None], str]) -> str:
    known = [value for value in line if value is not None]
    begins = f"{name}: " if name else ""
    if not known:
        return f"{begins}no requests."
    return f"{begins}now {words(line[-1])}, between {words(min(known))} and {words(max(known))}."


def nice(top: float) -> float:
    """The next of 1, 2, 4, 5 or 10 times a power of ten: its half is a number that one can read."""
    if top <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(top))
    return next(step * power for step in (1, 2, 4, 5, 10) if step * power >= top * (1 - 1e-9))


def _highest(line: Line) -> float:
    return max((value for value in line if value is not None), default=0)


def _x(index: float, last: int) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * index / last, 1)


def _y(value: float, scale: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * min(value / scale, 1), 1)


def _drawn(key: str, line: Line, scale: float, *, area: bool) -> Drawn:
    """Broken where there is no value."""
    last = len(line) - 1
    path, under, dots = [], [], []
    for known, run in groupby(enumerate(line), key=lambda one: one[1] is not None):
        if not known:
            continue
        points = [(_x(index, last), _y(value or 0, scale)) for index, value in run]
        if len(points) == 1:
            dots.append(points[0])
            continue
        corners = "L".join(f"{x} {y}" for x, y in points)
        path.append(f"M{corners}")
        under.append(f"M{points[0][0]} {HEIGHT - BOTTOM}L{corners}L{points[-1][0]} {HEIGHT - BOTTOM}Z")
    return Drawn(key=key, path="".join(path), area="".join(under) if area else "", dots=dots)


def _named(drawn: Sequence[Drawn], last: dict[str, float | None], scale: float) -> list[Drawn]:
    """With each line's name at its end, apart from the others: from the bottom up, then down where the top is full."""
    ends = {one.key: _y(value, scale) for one in drawn if (value := last[one.key]) is not None}
    lowest = float(HEIGHT)
    for key, end in ends.items():  # percentiles: each is above the one before
        lowest = ends[key] = min(end, lowest - LABEL_GAP)
    highest = float(TOP) - LABEL_GAP
    for key, end in reversed(ends.items()):
        highest = ends[key] = max(end, highest + LABEL_GAP)
    named = msgspec.structs.replace
    return [named(one, name=one.key, name_y=ends[one.key]) if one.key in ends else one for one in drawn]
