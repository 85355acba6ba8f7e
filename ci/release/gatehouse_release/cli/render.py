"""The matrix, decisions, outcomes and records as they are read in a terminal."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from gatehouse_release.matrix import Cell, Matrix, MatrixColumn
from gatehouse_release.model import Decision, Reason, Record
from gatehouse_release.promoter import PromotionOutcome

WIDEST = 10_000  # columns: wider than any table here
STYLES = {"verified": "green", "failed": "bold red", "reverted": "yellow", "applying": "cyan"}


class ReleaseTable:
    """What runs where: a table where the terminal is wide enough for whole tags, else a block for each service."""

    def __init__(self, found: Matrix, now: datetime) -> None:
        self._found, self._now = found, now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = self._table()
        if console.measure(table, options=options.update(max_width=WIDEST)).maximum <= options.max_width:
            yield table
        else:
            yield from self._blocks()

    def _title(self) -> str:
        return f"Releases on main at {self._found.revision[:12]}"

    def _table(self) -> Table:
        table = Table(title=self._title(), title_justify="left")
        table.add_column("service")
        table.add_column("domain", style="dim")
        for column in self._found.columns:
            table.add_column(column.name)
        for row in self._found.rows:
            cells = (_cell(row.cells[column.name], self._now) for column in self._found.columns)
            table.add_row(row.service, row.domain, *cells)
        return table

    def _blocks(self) -> Iterator[Text]:
        yield Text(self._title(), style="italic")
        for row in self._found.rows:
            yield Text.assemble((row.service, "bold"), (f"  {row.domain}", "dim"))
            for column in self._found.columns:
                yield Text.assemble((f"  {column.name:<12}", "dim"), _cell(row.cells[column.name], self._now))


def matrix(found: Matrix, now: datetime) -> Group:
    notes = [note for column in found.columns for note in _notes(column)]
    explained = Text("* the environment before has another release", style="dim")
    return Group(ReleaseTable(found, now), *notes, explained)


def _cell(cell: Cell, now: datetime) -> Text:
    if cell.release is None:
        text = Text("-", style="dim")
    else:
        text = Text(cell.release.tag, style=STYLES.get(cell.state or "", ""))
        text.append(f" {age(now - cell.since)}" if cell.since else " by hand", style="dim")
    text.append(" *" if cell.behind else "")
    text.append(" held" if cell.holds else "", style="bold yellow")
    return text


def age(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return f"{max(minutes, 0)} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def _notes(column: MatrixColumn) -> list[Text]:
    lines = [Text(f"{column.name}: nothing moves: {why}", style="bold red") for why in column.unreadable]
    for record in column.unsettled:
        lines.append(Text(f"{column.name}: {record.id} is {record.state}: gate promote resume", style="bold red"))
    for record in column.proposals:
        names = ", ".join(one.by for one in record.approvals) or "nobody yet"
        lines.append(Text(f"{column.name}: {record.id} by {record.by} waits; approved by {names}", style="cyan"))
    for record in column.freezes:
        until = f"{record.until:%Y-%m-%d %H:%M %Z}" if record.until else "it is lifted"
        text = f"{column.name}: frozen until {until} by {record.by} ({record.id}): {record.reason}"
        lines.append(Text(text, style="bold yellow"))
    for record in column.holds:
        what = f"{record.service} {record.digest[:19]}" if record.digest else record.service
        lines.append(Text(f"{column.name}: {what} held by {record.by} ({record.id}): {record.reason}", style="yellow"))
    return lines


def decision(decided: Decision) -> Group:
    head = Text("Allowed.", style="bold green") if decided.allowed else Text("Refused.", style="bold red")
    return Group(head, *(_reason(reason) for reason in decided.reasons))


def _reason(reason: Reason) -> Text:
    if reason.left_out:
        return Text(f"  left out: {reason.message}\n      {reason.fix}", style="yellow")
    mark = "passed by break-glass: " if reason.overruled else "stands before applying it: " if reason.later else ""
    style = "bold yellow" if reason.overruled else "cyan" if reason.later else "red"
    text = Text(f"  {reason.rule}: ", style=style)
    text.append(f"{mark}{reason.message}", style="")
    return text.append(f"\n      {reason.fix}" if reason.fix else "", style="dim")


def outcome(ended: PromotionOutcome) -> Group:
    if not ended.decision.allowed or ended.record is None:
        return decision(ended.decision)
    lines = [record_line(ended.record)]
    if ended.record.break_glass:
        lines.append(Text(f"  BREAK GLASS passed: {', '.join(ended.record.break_glass)}", style="bold red"))
    lines += [_reason(reason) for reason in ended.decision.reasons if reason.later or reason.left_out]
    if ended.suite_failed:
        lines.append(
            Text(f"  It runs as meant, but the black-box suite failed: {ended.suite_failed}", style="bold red")
        )
    if not ended.ok:
        lines += [Text(f"  {step.state}: {step.why}", style="red") for step in ended.record.history if step.why]
    return Group(*lines)


def log(records: list[Record]) -> Group:
    return Group(*(record_line(record) for record in records)) if records else Group(Text("No records."))


def record_line(record: Record) -> Text:
    text = Text(f"{record.at:%Y-%m-%d %H:%M} {record.id} ")
    text.append(f"{record.kind} in {record.environment} ")
    if record.state:
        text.append(record.state, style=STYLES.get(record.state, "cyan"))
    moves = ", ".join(
        f"{name} {change.after.tag if change.after else 'out'}" for name, change in record.services.items()
    )
    about = " ".join(filter(None, (record.service, record.about)))
    text.append(f" {moves or about} by {record.by}")
    if record.break_glass:
        text.append(" BREAK GLASS", style="bold red")
    return text.append(f": {record.reason}" if record.reason else "", style="dim")
