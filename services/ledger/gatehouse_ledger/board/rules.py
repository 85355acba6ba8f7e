"""The board's figures, made of sums of postings. Pure functions: no database, no HTTP."""

from collections.abc import Mapping, Sequence, Set
from datetime import date, timedelta
from typing import get_args

from gatehouse_chassis.base.problems import Conflict, Forbidden, Invalid
from gatehouse_ledger.board.structs import (
    BoardFigure,
    BoardFigures,
    BoardPack,
    QuarterGifts,
    QuarterSum,
    QuarterValue,
    Restatement,
)
from gatehouse_ledger.document.rules import Issuer, dollars, long_day
from gatehouse_ledger.document.structs import DocumentBlock, DocumentContent, DocumentRow, Letterhead
from gatehouse_ledger.enumerators import MetricKey, MetricUnit
from gatehouse_ledger.mission.structs import QuarterMission
from gatehouse_ledger.tax.rules import CASH

FEWEST = 5  # people: of fewer nothing is told
QUARTERS = 8
UNITS: dict[MetricKey, MetricUnit] = {
    "cash": "money",
    "runway": "months_in_tenths",
    "net_assets_free": "money",
    "net_assets_restricted": "money",
    "income": "money",
    "expenses": "money",
    "program_share": "percent",
    "gifts": "number",
    "donors": "number",
    "repeat_donors": "number",
    "budget_spent": "percent",
    "joined": "number",
    "mentored": "number",
    "mentorships_started": "number",
    "mentorships_ended": "number",
    "days_to_mentor": "days",
    "members_per_mentor": "number_in_tenths",
    "encounters_held": "number",
    "no_show_share": "percent",
    "active_members": "number",
    "completions": "number",
    "oldest_open_line": "days",
}
SOURCES: dict[MetricKey, str] = {
    "gifts": "Recorded gifts",
    "donors": "Recorded gifts",
    "repeat_donors": "Recorded gifts",
    "oldest_open_line": "Bank statements",
    "budget_spent": "Budget and journal",
    **dict.fromkeys(
        ("joined", "mentored", "mentorships_started", "mentorships_ended", "days_to_mentor", "members_per_mentor"),
        "Events of person",
    ),
    **dict.fromkeys(("encounters_held", "no_show_share"), "Events of encounter"),
    "active_members": "Events of curriculum and encounter",
    "completions": "Events of curriculum",
}
PEOPLE: Set[MetricKey] = frozenset(("donors", "repeat_donors", "joined", "mentored", "active_members"))
OF_PEOPLE: Set[MetricKey] = frozenset(
    (
        "gifts",
        "mentorships_started",
        "mentorships_ended",
        "days_to_mentor",
        "members_per_mentor",
        "encounters_held",
        "no_show_share",
        "completions",
    )
)
"""What counts people, and what else is about them."""
FEW = "not shown where it is about fewer than five people"
FLOW = "not shown where fewer than five began or ended, or had a mentor before or after"
WORDS: dict[MetricKey, tuple[str, str]] = {
    "cash": ("Cash", "Bank accounts, petty cash and payments on their way"),
    "runway": (
        "Months of runway",
        "Cash without donor restrictions, over the average month's expenses of the last twelve months",
    ),
    "net_assets_free": ("Net assets without donor restrictions", "Owned less owed, in funds that no donor restricted"),
    "net_assets_restricted": ("Net assets with donor restrictions", "Owned less owed, in funds that donors restricted"),
    "income": ("Income", "Of the quarter"),
    "expenses": ("Expenses", "Of the quarter"),
    "program_share": ("Program share of expenses", "Of the last twelve months' expenses, those that serve the mission"),
    "gifts": ("Gifts", "Recorded gifts of the quarter; not shown for fewer than five donors"),
    "donors": ("Donors", "Who gave in the quarter and is known; not shown below five"),
    "repeat_donors": (
        "Repeat donors",
        "Of them, who also gave in the twelve months before; not shown where fewer than five did, or didn't",
    ),
    "budget_spent": (
        "Budget spent",
        "Expenses of the year until the quarter's last day, of what is meant for the year",
    ),
    "joined": (
        "People who joined",
        "Members, mentors and staff who became known to the institute; not shown below five",
    ),
    "mentored": ("Members with a mentor", "On the last day of the quarter; not shown below five"),
    "mentorships_started": ("Mentorships that began", f"In the quarter; {FLOW}"),
    "mentorships_ended": ("Mentorships that ended", f"In the quarter; {FLOW}"),
    "days_to_mentor": (
        "Days to the first mentor",
        f"The median, from joining, of those whose first mentor began in the quarter; {FEW}",
    ),
    "members_per_mentor": ("Members per mentor", f"Of mentors who have one, on the last day of the quarter; {FEW}"),
    "encounters_held": ("Meetings held", f"In the quarter; {FEW}"),
    "no_show_share": (
        "Share of missed meetings",
        "Of those held and missed in the quarter; not shown where fewer than five members held or missed one",
    ),
    "active_members": ("Active members", f"Who learned, completed or met in the last 30 days of the quarter; {FEW}"),
    "completions": ("Resources completed", f"In the quarter; {FEW}"),
    "oldest_open_line": ("Unreconciled days", "Since the oldest line of a bank statement that isn't reconciled; today"),
}
"""What each is called, and what it means."""
assert set(UNITS) == set(WORDS) == set(get_args(MetricKey))


def quarter_ends(day: date) -> date:
    """The last day of the quarter that a day is in."""
    month = (day.month + 2) // 3 * 3
    return (date(day.year + month // 12, month % 12 + 1, 1)) - timedelta(days=1)


def quarter_begins(ends_on: date) -> date:
    return date(ends_on.year, ends_on.month - 2, 1)


def year_begins(ends_on: date) -> date:
    """The first of the twelve months that end on a day."""
    return (ends_on + timedelta(days=1)).replace(year=(ends_on + timedelta(days=1)).year - 1)


def last_quarters(ends_on: date) -> list[date]:
    """The last days of eight quarters, the given one last."""
    found = [ends_on]
    while len(found) < QUARTERS:
        found.append(quarter_begins(found[-1]) - timedelta(days=1))
    return found[::-1]


def refuse_quarter(ends_on: date, today: date) -> None:
    if quarter_ends(ends_on) != ends_on:
        raise Invalid({"ends_on": f"isn't the last day of a quarter; give {quarter_ends(ends_on)}"})
    if ends_on >= today:
        raise Invalid({"ends_on": "lies ahead: a pack is prepared when its quarter is over"})


def refuse_freezing(pack: BoardPack, account: object) -> None:
    """Raises Conflict for a pack that is frozen already, Forbidden for who prepared it."""
    if pack.state == "frozen":
        raise Conflict("This pack is frozen already, and never changes.")
    if pack.created_by == account:
        raise Forbidden("You prepared this pack yourself. Another person of finance or of the board freezes it.")


def before_all(quarters: Sequence[date]) -> date:
    """A day before the twelve months of all these quarters, at which another quarter begins."""
    return quarter_begins(year_begins(quarters[0]) - timedelta(days=1))


def of_quarter(sums: Sequence[QuarterSum], ends_on: date) -> dict[MetricKey, int | None]:
    """`sums`: of this quarter, each of the three before it, and all that came earlier; later ones don't count."""
    begins, year = quarter_begins(ends_on), year_begins(ends_on)
    held = [one for one in sums if one.begins <= begins]
    quarter = [one for one in held if one.begins == begins]
    cash = [one for one in held if one.code in CASH]
    free = sum(one.amount for one in cash if one.restriction == "none")
    expenses = [one for one in held if one.type == "expense" and one.begins >= year]
    spent = sum(one.amount for one in expenses)
    program = sum(one.amount for one in expenses if one.function == "program")
    net = {True: 0, False: 0}
    for one in held:
        if one.type in ("income", "expense", "net_assets"):
            net[one.restriction == "none"] -= one.amount
    return {
        "cash": sum(one.amount for one in cash),
        "runway": free * 120 // spent if spent > 0 else None,
        "net_assets_free": net[True],
        "net_assets_restricted": net[False],
        "income": -sum(one.amount for one in quarter if one.type == "income"),
        "expenses": sum(one.amount for one in quarter if one.type == "expense"),
        "program_share": share(program, spent),
    }


def of_gifts(found: QuarterGifts) -> dict[MetricKey, int | None]:
    """Nothing of fewer than five donors, nor what the difference of two figures would tell of fewer."""
    if found.donors < FEWEST:
        return {"gifts": None, "donors": None, "repeat_donors": None}
    repeat = found.repeat_donors
    hidden = repeat < FEWEST or found.donors - repeat < FEWEST
    return {"gifts": found.gifts, "donors": found.donors, "repeat_donors": None if hidden else repeat}


def of_mission(found: QuarterMission, before: QuarterMission) -> dict[MetricKey, int | None]:
    """Nothing of fewer than five people, nor what a sum or difference of shown figures would tell of fewer.

    Members before, and what began, less what ended, are the members after. So what began and what ended are shown
    together or not at all, and only where the members of both quarters are: three of the four would tell the fourth.
    Of two that aren't shown the members tell only the difference, which each of five sizes of the smaller one explains.
    """

    def shown_of(value: int | None, people: int) -> int | None:
        return value if people >= FEWEST else None

    flow = min(found.started_members, found.ended_members, found.mentored, before.mentored)
    both = min(found.held_members, found.missed_members)
    load = (10 * found.mentored + found.mentors // 2) // found.mentors if found.mentors else None
    return {
        "joined": shown_of(found.joined, found.joined),
        "mentored": shown_of(found.mentored, found.mentored),
        "mentorships_started": shown_of(found.started, flow),
        "mentorships_ended": shown_of(found.ended, flow),
        "days_to_mentor": shown_of(found.days_to_mentor, found.waited),
        "members_per_mentor": shown_of(load, min(found.mentored, found.mentors)),
        "encounters_held": shown_of(found.held, found.held_members),
        "no_show_share": shown_of(share(found.missed, found.held + found.missed), both),
        "active_members": shown_of(found.active, found.active),
        "completions": shown_of(found.completions, found.completed_members),
    }


def as_frozen(now: Mapping[MetricKey, int | None], told: Mapping[MetricKey, int | None]) -> dict[MetricKey, int | None]:
    """A quarter whose pack is frozen: `told` in it, and as counted `now`.

    Two figures of the same people are two filters. What was recorded late would be told by their difference, so people
    are counted anew only from a difference of five on, where one that wasn't shown may have been anything below five.
    How often they did something doesn't say how many they are; it stays as it was told. Money is shown as it is now.
    """
    kept = {key: told[key] for key in PEOPLE & told.keys() if abs(_most(now.get(key)) - _most(told[key])) < FEWEST}
    return {**now, **kept, **{key: told[key] for key in OF_PEOPLE & told.keys()}}


def _most(value: int | None) -> int:
    return FEWEST - 1 if value is None else value


def share(part: int, whole: int) -> int | None:
    """In percent, a half rounded up; None of nothing."""
    return (200 * part + whole) // (2 * whole) if whole > 0 else None


def figures(values: Mapping[date, Mapping[MetricKey, int | None]]) -> list[BoardFigure]:
    """`values`: of each quarter, the latest last."""
    return [
        BoardFigure(
            key,
            *WORDS[key],
            unit,
            SOURCES.get(key, "Journal"),
            [QuarterValue(ends_on, of.get(key)) for ends_on, of in values.items()],
        )
        for key, unit in UNITS.items()
    ]


def restated(frozen: BoardFigures, now: BoardFigures) -> list[Restatement]:
    """What was frozen and is otherwise by now, of the pack's own quarter. Open lines aren't a thing of the past."""
    today = {one.key: one.value for one in now.figures}
    return [
        Restatement(one.key, one.value, today[one.key])
        for one in frozen.figures
        if one.key in today and one.key != "oldest_open_line" and one.value != today[one.key]
    ]


def shown(value: int | None, unit: MetricUnit) -> str:
    if value is None:
        return "Not shown"
    match unit:
        case "money":
            return dollars(value)
        case "months_in_tenths" | "number_in_tenths":
            return f"{value // 10}.{value % 10}" if value >= 0 else f"-{-value // 10}.{-value % 10}"
        case "percent":
            return f"{value} %"
        case _:
            return f"{value:,}"


def document(pack: BoardPack, found: BoardFigures, issuer: Issuer) -> DocumentContent:
    """The pack as it is printed: the same figures as on the page."""
    rows = [
        DocumentRow([one.name, shown(one.value, one.unit), shown(_year_before(one), one.unit)]) for one in found.figures
    ]
    title = f"Board pack for the quarter to {long_day(pack.ends_on)}"
    comment = [DocumentBlock("paragraph", pack.comment)] if pack.comment else []
    budget: list[DocumentBlock] = []
    if found.programs:
        columns = ["Program", "Budget of the year", "Spent so far", "Left"]
        spent = [DocumentRow([one.name, *map(dollars, (one.budget, one.actual, one.left))]) for one in found.programs]
        budget = [
            DocumentBlock("heading", f"Budget of {pack.ends_on.year} by program"),
            DocumentBlock("table", columns=columns, rows=spent),
        ]
    return DocumentContent(
        title=title,
        letterhead=Letterhead(issuer.name, issuer.lines),
        to=[],
        blocks=[
            *comment,
            DocumentBlock("table", columns=["Figure", "This quarter", "A year before"], rows=rows),
            *budget,
            DocumentBlock("small", f"Read from the books on {long_day(found.as_of.date())}. It names no person."),
        ],
        footer=title,
        signer=[],
    )


def _year_before(figure: BoardFigure) -> int | None:
    return figure.quarters[-5].value if len(figure.quarters) >= 5 else None
