"""All SQL of the board's figures and packs."""

import hashlib
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

import msgspec
from piccolo.query.functions import Min

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import any_of, arg
from gatehouse_chassis.documents.pdf import render
from gatehouse_chassis.lists.filters import choices
from gatehouse_chassis.lists.listing import Listing
from gatehouse_ledger import tables
from gatehouse_ledger.board import rules, structs
from gatehouse_ledger.budget.queries import budget_report
from gatehouse_ledger.document.rules import Issuer, template
from gatehouse_ledger.enumerators import MetricKey
from gatehouse_ledger.mission.queries import of_quarters
from gatehouse_ledger.tables import DB

PACK = Repository(
    tables.BoardPack,
    structs.BoardPack,
    unique={"once": {"ends_on": "a pack of this quarter is there already; open that one"}},
)
PACKS = Listing(
    tables.BoardPack,
    structs.BoardPack,
    filters={"state": choices(tables.BoardPack.state, ("draft", "frozen"))},
    sorts={"quarter": tables.BoardPack.ends_on},
    default_sort="-quarter",
)
_CONTENT = DB.prepare(
    tables.BoardPack.select(tables.BoardPack.content, tables.BoardPack.file).where(tables.BoardPack.id == arg(1))
)
_FROZEN = DB.prepare(
    tables.BoardPack.select(tables.BoardPack.ends_on, tables.BoardPack.content).where(
        any_of(tables.BoardPack.ends_on, arg(1)), tables.BoardPack.state == "frozen"
    ),
    structs.FrozenPack,
)
# By hand: sums over a join, of all quarters in one statement, so that the figures are of one moment.
_SUMS = DB.prepare_sql(
    "select greatest(date_trunc('quarter', e.booked_on)::date, $1) as begins, a.code, a.type, f.restriction, "
    "p.function, sum(p.amount)::bigint as amount "
    "from ledger.posting p join ledger.journal_entry e on e.id = p.entry_id "
    "join ledger.account a on a.id = p.account_id join ledger.fund f on f.id = p.fund_id "
    "where e.booked_on <= $2 and p.currency = 'USD' group by 1, a.code, a.type, f.restriction, p.function",
    structs.QuarterSum,
)
# By hand: counts over a join, with what each donor gave before.
_GIFTS = DB.prepare_sql(
    "select count(*)::int as gifts, count(distinct g.donor_id) filter (where d.kind <> 'anonymous')::int as donors, "
    "count(distinct g.donor_id) filter (where d.kind <> 'anonymous' and exists (select from ledger.gift former "
    "where former.donor_id = g.donor_id and former.refunded_on is null and former.received_on < $1 "
    "and former.received_on >= $1 - interval '12 months'))::int as repeat_donors "
    "from ledger.gift g join ledger.donor d on d.id = g.donor_id "
    "where g.refunded_on is null and g.received_on between $1 and $2",
    structs.QuarterGifts,
)
_OLDEST_OPEN = DB.prepare(
    tables.StatementLine.select(Min(tables.StatementLine.booked_on)).where(tables.StatementLine.match_id.is_null())
)


async def figures(ends_on: date) -> structs.BoardFigures:
    """Of a quarter and the seven before it, as the books have them now. People are counted of quarters that are over:
    until then two days' figures would differ by those who came in between.
    """
    values: dict[date, dict[MetricKey, int | None]] = {}
    quarters = rules.last_quarters(ends_on)
    former = rules.quarter_begins(quarters[0]) - timedelta(days=1)
    mission = await of_quarters([(rules.quarter_begins(last), last) for last in (former, *quarters)])
    sums = await _SUMS.all(rules.before_all(quarters), ends_on)
    frozen = {one.ends_on: one.told for one in await _FROZEN.all(quarters)}
    now = await DB.now()
    for before, last in pairwise((former, *quarters)):
        gifts = await _GIFTS.one(rules.quarter_begins(last), last)
        assert gifts is not None
        people = rules.of_gifts(gifts) | rules.of_mission(mission[last], mission[before])
        values[last] = rules.of_quarter(sums, last)
        if last < now.date():
            values[last] |= rules.as_frozen(people, frozen.get(last, {}))
    oldest = await _OLDEST_OPEN.value()
    values[ends_on]["oldest_open_line"] = 0 if oldest is None else (now.date() - oldest).days
    of_year = await budget_report(ends_on.year, ends_on)
    values[ends_on]["budget_spent"] = rules.share(of_year.expenses.actual, of_year.expenses.budget)
    programs = [one for one in of_year.programs if one.budget or one.actual]
    return structs.BoardFigures(ends_on, now, rules.figures(values), programs if of_year.expenses.budget else [])


async def show(id: UUID) -> structs.ShownPack:
    pack = await PACK.get(id)
    now = await figures(pack.ends_on)
    if pack.state == "draft":
        return structs.ShownPack(pack, pack.version, now, [])
    found = await _CONTENT.record(id)
    assert found is not None
    frozen = msgspec.convert(found["content"], structs.BoardFigures)
    return structs.ShownPack(pack, pack.version, frozen, rules.restated(frozen, now))


async def prepare(new: structs.NewBoardPack, by: Actor) -> structs.BoardPack:
    rules.refuse_quarter(new.ends_on, (await DB.now()).date())
    return await PACK.insert(new, by=by)


async def freeze(id: UUID, version: int, issuer: Issuer, by: Actor) -> structs.BoardPack:
    """By another person than who prepared it. Figures and PDF are kept together, and never change."""
    pack = await PACK.get(id, version=version)
    rules.refuse_freezing(pack, by.account)
    found = await figures(pack.ends_on)
    content = rules.document(pack, found, issuer)
    made = await render(template(), msgspec.to_builtins(content), at=found.as_of)
    return await PACK.change(
        id,
        version,
        {
            "state": "frozen",
            "content": msgspec.to_builtins(found),
            "file": made.content,
            "file_sha256": hashlib.sha256(made.content).hexdigest(),
            "frozen_at": found.as_of,
        },
        by=by,
    )


async def file_of(id: UUID) -> bytes:
    found = await _CONTENT.record(id)
    if found is None or found["file"] is None:
        raise NotFound("There is no such pack, or it isn't frozen yet.")
    return bytes(found["file"])
