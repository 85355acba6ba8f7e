"""The report of a run of `gate load`: percentiles for each operation, as a table and as structs."""

import msgspec
from rich.table import Table

from gatehouse_observability.load.engine import LoadRun, Tally


class OperationLine(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from when the operation should have begun; None when none succeeded."""

    operation: str
    count: int
    a_second: float
    failures: dict[str, int]
    p50: float | None
    p95: float | None
    p99: float | None
    longest: float | None


class LoadReport(msgspec.Struct, frozen=True, kw_only=True):
    """`latest_ms`: the longest delay of a start. If it is large, this machine is the limit, not the platform."""

    rate_asked: float
    rate_held: float
    latest_ms: float
    seconds: float
    begun: int
    dropped: int
    failed: int
    operations: list[OperationLine]
    all: OperationLine


def quantile(values: list[float], q: float) -> float | None:
    """The nearest-rank quantile of sorted values."""
    return values[min(len(values) - 1, max(0, -int(-q * len(values) // 1) - 1))] if values else None


def report(run: LoadRun) -> LoadReport:
    merged = Tally()
    for tally in run.tallies.values():
        merged.seconds += tally.seconds
        for kind, count in tally.failures.items():
            merged.failures[kind] = merged.failures.get(kind, 0) + count
    return LoadReport(
        rate_asked=run.rate,
        rate_held=round(run.rate_held, 2),
        latest_ms=round(run.latest * 1000, 1),
        seconds=round(run.took, 1),
        begun=run.begun,
        dropped=run.dropped,
        failed=run.failed,
        operations=[_line(name, tally, run.took) for name, tally in run.tallies.items()],
        all=_line("all", merged, run.took),
    )


def _line(name: str, tally: Tally, took: float) -> OperationLine:
    values = sorted(tally.seconds)

    def shown(q: float) -> float | None:
        found = quantile(values, q)
        return None if found is None else round(found * 1000, 1)

    return OperationLine(
        operation=name,
        count=tally.count,
        a_second=round(tally.count / took, 1) if took else 0.0,
        failures=dict(tally.failures),
        p50=shown(0.5),
        p95=shown(0.95),
        p99=shown(0.99),
        longest=shown(1.0),
    )


def table(found: LoadReport, *, of_seconds: float | None = None) -> Table:
    """`of_seconds`: the planned duration, while the run is in progress."""
    took = f"{found.seconds:g} s" if of_seconds is None else f"{found.seconds:.0f} of {of_seconds:g} s"
    held = (
        f"{found.rate_held:g} of {found.rate_asked:g} operations a second, {took}; "
        f"the latest began {found.latest_ms:g} ms after its time"
    )
    drawn = Table(title=held, title_justify="left")
    drawn.add_column("operation")  # wraps where there is little room: figures are never cut
    for heading in ("count", "per s", "failed", "p50 ms", "p95 ms", "p99 ms", "worst ms"):
        drawn.add_column(heading, justify="right", no_wrap=True)
    for line in found.operations:
        drawn.add_row(*_cells(line))
    drawn.add_section()
    drawn.add_row(*_cells(found.all), style="bold")
    if found.dropped:
        drawn.caption = f"{found.dropped} weren't started: too many were in flight"
    return drawn


def _cells(line: OperationLine) -> list[str]:
    failed = " ".join(f"{count}x{kind}" for kind, count in sorted(line.failures.items())) or "0"
    times = ["-" if value is None else f"{value:.1f}" for value in (line.p50, line.p95, line.p99, line.longest)]
    return [line.operation, str(line.count), f"{line.a_second:.1f}", failed, *times]
