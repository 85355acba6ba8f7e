"""The preview as it is read in a terminal: what breaks and what locks stands out, what is empty takes one line."""

from collections.abc import Iterator

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gatehouse_release.preview.page import Api, DatabasePreview, GroupRestart, Infrastructure, PreviewPage, ReleaseMove

COMMITS_SHOWN = 20
LISTED = 30


def shown(page: PreviewPage) -> Group:
    title = Text.assemble((f"{page.source} → {page.environment}", "bold"), f"   preview {page.fingerprint[:12]}")
    return Group(title, *(part for section in _sections(page) for part in section))


def _sections(page: PreviewPage) -> Iterator[tuple[Text, Padding]]:
    yield _section("Releases", [*_moves(page.moves), *_restarts(page.restarts)])
    yield _section("Unit tests", list(_tests(page)) or [Text("nothing comes in")])
    yield _section("Configuration", _settings(page))
    yield _section("Database", [line for one in page.databases for line in _database(one)] or [Text("no change")])
    yield _section("API", [line for one in page.apis for line in _api(one)] or [Text("no change")])
    yield _section("Infrastructure", list(_infrastructure(page.infrastructure)))
    yield _section(f"Health of {page.source}", list(_health(page)))
    yield _section("The way back", list(_ways_back(page)))


def _section(name: str, lines: list[Text] | list[Text | Table]) -> tuple[Text, Padding]:
    return Text(f"\n{name}", style="bold"), Padding(Group(*lines), (0, 0, 0, 2))


def _moves(moves: tuple[ReleaseMove, ...]) -> list[Text]:
    lines = []
    for move in moves:
        text = f"{move.service}: {move.before or 'nothing'} → {move.after or 'nothing'}"
        lines.append(Text(text, style="cyan"))
        lines += [
            Text(f"  {one.id[:10]} {one.subject} ({one.by}, {one.at:%Y-%m-%d})") for one in move.commits[:COMMITS_SHOWN]
        ]
        if len(move.commits) > COMMITS_SHOWN:
            lines.append(Text(f"  and {len(move.commits) - COMMITS_SHOWN} more"))
        if move.note:
            lines.append(Text(f"  {move.note}", style="yellow"))
    return lines


def _restarts(restarts: tuple[GroupRestart, ...]) -> list[Text]:
    return [
        Text(f"{', '.join(one.siblings)} restart{'s' if len(one.siblings) == 1 else ''} too: same tasks ({one.group})")
        for one in restarts
    ]


def _tests(page: PreviewPage) -> Iterator[Text]:
    for one in page.tests:
        said = {True: "passed", False: "failed", None: "no result"}[one.passed]
        text = f"{one.service}: {said}{f' ({one.summary})' if one.summary else ''}"
        yield Text(text, style="" if one.passed else "bold red")
        if one.accepted_by:
            yield Text(f"  {one.accepted_by} accepted its black-box run in their place: {one.why}", style="bold yellow")


def _settings(page: PreviewPage) -> list[Text]:
    styles = {"without a value": "yellow", "unknown": "bold red", "removed": "yellow"}
    return [
        Text(
            f"{one.service}.{one.key} {one.what}{': ' if one.detail else ''}{one.detail}",
            style=styles.get(one.what, ""),
        )
        for one in page.settings
    ] or [Text("no change, and every key has a value")]


def _database(database: DatabasePreview) -> Iterator[Text]:
    yield Text(database.service, style="cyan")
    for name, (before, after) in database.versions.items():
        yield Text(f"  {name} {before or 'new'} → {after or 'gone'}")
    for refusal in database.refusals:
        yield Text(f"  refused: {refusal}", style="bold red")
    for step in database.steps:
        yield Text(f"  {step.what}: {step.why}", style="yellow" if step.phase == "contract" else "")
        yield Text(f"      locks {step.locks}{'' if step.reversible else '; can’t be undone'}", style="dim")
        for hazard in step.hazards:
            yield Text(f"      danger: {hazard}", style="bold red")
    if database.dangers:
        yield Text(f"  to approve it: --approve-plan {database.fingerprint}", style="bold")
    if database.note:
        yield Text(f"  {database.note}", style="yellow")


def _api(api: Api) -> Iterator[Text]:
    yield Text(f"{api.service}: {len(api.breaking)} breaking, {len(api.differences) - len(api.breaking)} other")
    for one in api.differences[:LISTED]:
        yield Text(
            f"  {'breaks' if one.breaking else 'fine  '} {one.where} {one.what}", style="red" if one.breaking else ""
        )
    if len(api.differences) > LISTED:
        yield Text(f"  and {len(api.differences) - LISTED} more (--json shows all)")
    if api.note:
        yield Text(f"  {api.note}", style="yellow")


def _infrastructure(found: Infrastructure) -> Iterator[Text]:
    for sign, names, style in (("+", found.added, "green"), ("-", found.removed, "red"), ("~", found.changed, "")):
        for name in names[:LISTED]:
            yield Text(f"{sign} {name}", style=style)
        if len(names) > LISTED:
            yield Text(f"{sign} and {len(names) - LISTED} more")
    if found.note:
        yield Text(found.note, style="yellow")
    elif not (found.added or found.removed or found.changed):
        yield Text("nothing but the releases")


def _health(page: PreviewPage) -> Iterator[Text]:
    health = page.health
    if health is None:
        yield Text("a merge: pull-request checks stand for it")
    elif health.seen_at is None:
        yield Text(health.note, style="yellow")
    else:
        yield Text(f"seen running together at {health.seen_at:%Y-%m-%d %H:%M} UTC; black box {health.black_box}")


def _ways_back(page: PreviewPage) -> Iterator[Text]:
    for way in page.ways_back:
        can = "can be rolled back" if way.possible else "can’t be rolled back"
        yield Text(f"{way.service} {can}: {way.why}", style="" if way.possible else "bold red")
