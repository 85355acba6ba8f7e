"""All SQL about matches, and the rules that are learned from them."""

from collections.abc import Sequence
from datetime import date
from typing import get_args
from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import any_of, arg, columns_for
from gatehouse_chassis.lists.filters import choices, present, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_ledger import tables
from gatehouse_ledger.chart.queries import ACCOUNT
from gatehouse_ledger.entry.queries import post, read_entry
from gatehouse_ledger.entry.rules import reversed_postings, shown
from gatehouse_ledger.entry.structs import NewPosting
from gatehouse_ledger.enumerators import MatchKind
from gatehouse_ledger.match import rules, structs
from gatehouse_ledger.tables import DB

SHOWN = 60  # lines of the queue that are looked at together
MOST_POSTINGS = 2_000  # of those, for the lines that are shown
MOST_LINES = 200_000

MATCH = Repository(tables.LineMatch, structs.MatchRecord)
RULE = Repository(tables.MatchingRule, structs.RuleRecord)
MATCHES = Listing(
    tables.LineMatch,
    structs.MatchRecord,
    filters={
        "account": uuid(tables.LineMatch.account_id),
        "kind": choices(tables.LineMatch.kind, get_args(MatchKind)),
        "undone": present(tables.LineMatch.undone_at),
    },
    sorts={"created": tables.LineMatch.created_at},
    default_sort="-created",
)
RULES = Listing(
    tables.MatchingRule,
    structs.RuleRecord,
    filters={"account": uuid(tables.MatchingRule.account_id)},
    sorts={"created": tables.MatchingRule.created_at},
    search=[tables.MatchingRule.words],
    default_sort="-created",
)
_open = (
    tables.StatementLine.select(*columns_for(structs.OpenLine, tables.StatementLine))
    .where((tables.StatementLine.account_id == arg(1)) & tables.StatementLine.match_id.is_null())
    .order_by(tables.StatementLine.booked_on, tables.StatementLine.id)
)
_all_open = DB.prepare(_open, structs.OpenLine)
_oldest_open = DB.prepare(_open.limit(SHOWN), structs.OpenLine)
# By hand: postings that no match has, of entries that weren't taken back.
_OPEN_POSTINGS = DB.prepare_sql(
    "select p.id, p.entry_id, e.booked_on, p.amount, e.memo from ledger.posting p "
    "join ledger.journal_entry e on e.id = p.entry_id where p.account_id = $1 and e.booked_on between $2 and $3 "
    "and e.source not in ('reversal', 'opening') "
    "and not exists (select from ledger.posting_match m where m.posting_id = p.id) "
    "and not exists (select from ledger.journal_entry later where later.reverses_id = e.id) "
    "order by e.booked_on, p.id limit $4",
    structs.OpenPosting,
)
_count_open = DB.prepare(
    tables.StatementLine.count().where(
        (tables.StatementLine.account_id == arg(1)) & tables.StatementLine.match_id.is_null()
    )
)
_lines = DB.prepare(
    tables.StatementLine.select(*columns_for(structs.OpenLine, tables.StatementLine))
    .where(
        (tables.StatementLine.account_id == arg(1)),
        any_of(tables.StatementLine.id, arg(2)),
        tables.StatementLine.match_id.is_null(),
    )
    .order_by(tables.StatementLine.booked_on, tables.StatementLine.id)
    .lock_rows("UPDATE"),
    structs.OpenLine,
)
# By hand: as above, for postings that are named.
_POSTINGS = DB.prepare_sql(
    "select p.id, p.entry_id, e.booked_on, p.amount, e.memo from ledger.posting p "
    "join ledger.journal_entry e on e.id = p.entry_id where p.account_id = $1 and p.id = any($2) "
    "and not exists (select from ledger.posting_match m where m.posting_id = p.id) order by e.booked_on, p.id",
    structs.OpenPosting,
)
_close_lines = DB.prepare(
    tables.StatementLine.update({tables.StatementLine.match_id: arg(1)}, force=True).where(
        any_of(tables.StatementLine.id, arg(2)), tables.StatementLine.match_id.is_null()
    )
)
_open_again = DB.prepare(
    tables.StatementLine.update({tables.StatementLine.match_id: None}, force=True).where(
        tables.StatementLine.match_id == arg(1)
    )
)
# By hand: rows from an array.
_ADD_POSTINGS = DB.prepare_sql(
    "insert into ledger.posting_match (posting_id, match_id) select given.id, $1 from unnest($2::uuid[]) as given(id) "
    "on conflict do nothing"
)
_free_postings = DB.prepare(tables.PostingMatch.delete().where(tables.PostingMatch.match_id == arg(1)))
_posting_of = DB.prepare(
    tables.Posting.select(tables.Posting.id).where(
        (tables.Posting.entry_id == arg(1)) & (tables.Posting.account_id == arg(2))
    )
)
_rules = DB.prepare(
    tables.MatchingRule.select(*columns_for(structs.LearnedRule, tables.MatchingRule)).where(
        (tables.MatchingRule.account_id == arg(1)) & tables.MatchingRule.archived_at.is_null()
    ),
    structs.LearnedRule,
)
_lock_rule = DB.prepare(
    tables.MatchingRule.select(*columns_for(structs.RuleRecord, tables.MatchingRule))
    .where(
        (tables.MatchingRule.account_id == arg(1))
        & (tables.MatchingRule.words == arg(2))
        & (tables.MatchingRule.incoming == arg(3))
        & tables.MatchingRule.archived_at.is_null()
    )
    .lock_rows("UPDATE"),
    structs.RuleRecord,
)
# By hand: many matches of one line and one posting each, from arrays.
_ADD_MATCHES = DB.prepare_sql(
    "insert into ledger.match (id, account_id, kind, matched_by, score, reasons, line_ids, posting_ids, created_by, "
    "created_request, changed_by, changed_request) "
    "select given.id, $1, 'one_to_one', 'automatic', given.score, string_to_array(given.reasons, ','), "
    "array[given.line_id], array[given.posting_id], $2, $3, $2, $3 "
    "from unnest($4::uuid[], $5::int[], $6::text[], $7::uuid[], $8::uuid[]) "
    "as given(id, score, reasons, line_id, posting_id)"
)
# By hand: an update from arrays.
_CLOSE_EACH = DB.prepare_sql(
    "update ledger.statement_line set match_id = given.match_id from unnest($1::uuid[], $2::uuid[]) "
    "as given(line_id, match_id) where statement_line.id = given.line_id"
)
# By hand: rows from arrays.
_ADD_EACH = DB.prepare_sql(
    "insert into ledger.posting_match (posting_id, match_id) "
    "select given.posting_id, given.match_id from unnest($1::uuid[], $2::uuid[]) as given(posting_id, match_id)"
)


async def open_postings(account_id: UUID, lines: Sequence[structs.OpenLine]) -> list[structs.OpenPosting]:
    """Those that lie close enough to one of the lines in time, as far as there is room."""
    if not lines:
        return []
    days = [line.booked_on.toordinal() for line in lines]
    first, last = date.fromordinal(min(days) - rules.WINDOW), date.fromordinal(max(days) + rules.WINDOW)
    return await _OPEN_POSTINGS.all(account_id, first, last, MOST_POSTINGS)


async def queue(account_id: UUID) -> structs.LineQueue:
    """The oldest open lines with what they may be."""
    lines = await _oldest_open.all(account_id)
    found = rules.suggestions(lines, await open_postings(account_id, lines), await _rules.all(account_id))
    named = {line.id for one in found for line in one.lines}
    others = [line for line in lines if line.id not in named]
    return structs.LineQueue(account_id, await _count_open.value(account_id) or 0, found, others)


async def accept(new: structs.NewMatch, by: Actor) -> structs.MatchRecord:
    """To be called in a transaction. Raises Conflict for what was matched meanwhile, Invalid where sums differ."""
    lines = await _lines.all(new.account_id, list(set(new.line_ids)))
    postings = await _POSTINGS.all(new.account_id, list(set(new.posting_ids)))
    if len(lines) != len(set(new.line_ids)):
        raise Conflict("A line isn't of this account, or is matched already. Look at the queue again.")
    if len(postings) != len(set(new.posting_ids)):
        raise Conflict("A posting isn't of this account, or is matched already. Look at the queue again.")
    rest = sum(line.amount for line in lines) - sum(posting.amount for posting in postings)
    if rest and new.booking is None:
        left = shown(rest, (await ACCOUNT.get(new.account_id)).currency)
        raise Invalid({"booking": f"the postings leave {left} that nothing explains; say how to book it"})
    if not rest and new.booking is not None:
        raise Invalid({"booking": "nothing is left to be booked; leave it out"})
    entry_id, rule_id = None, None
    ids = [posting.id for posting in postings]
    if new.booking is not None:
        entry_id = await _book(new.account_id, lines, rest, new.booking, by)
        ids += await _posting_of.values(entry_id, new.account_id)
        rule_id = await _learn(new.account_id, lines[0], new.booking, by) if not postings else None
    kind: MatchKind = "booked" if not postings else "many_to_one" if len(lines) > 1 else "one_to_many"
    if len(postings) == 1 and len(lines) == 1:
        kind = "one_to_one"
    return await _write(new.account_id, kind, [line.id for line in lines], ids, by, entry_id=entry_id, rule_id=rule_id)


async def _book(
    account_id: UUID, lines: Sequence[structs.OpenLine], rest: int, booking: structs.LineBooking, by: Actor
) -> UUID:
    memo = booking.memo if isinstance(booking.memo, str) else lines[0].text or lines[0].reference or "Bank statement"
    postings = [
        NewPosting(account_id=account_id, fund_id=booking.fund_id, amount=rest),
        NewPosting(
            account_id=booking.counter_account_id,
            fund_id=booking.fund_id,
            amount=-rest,
            function=booking.function,
            program_id=booking.program_id,
        ),
    ]
    entry = await post(max(line.booked_on for line in lines), memo, postings, "statement", by)
    return entry.id


async def _learn(account_id: UUID, line: structs.OpenLine, booking: structs.LineBooking, by: Actor) -> UUID | None:
    """Remembers how the line was booked. Another choice than before begins anew."""
    name = rules.payee(line.text)
    if not name:
        return None
    chosen = {
        "counter_account_id": booking.counter_account_id,
        "fund_id": booking.fund_id,
        "function": booking.function,
        "program_id": booking.program_id,
    }
    known = await _lock_rule.one(account_id, name, line.amount > 0)
    if known is None:
        key = {"account_id": account_id, "words": name, "incoming": line.amount > 0}
        return (await RULE.insert(key | chosen, by=by)).id
    alike = all(getattr(known, field) == value for field, value in chosen.items())
    await RULE.change(known.id, known.version, chosen | {"uses": known.uses + 1 if alike else 1}, by=by)
    return known.id


async def _write(
    account_id: UUID,
    kind: MatchKind,
    line_ids: list[UUID],
    posting_ids: list[UUID],
    by: Actor,
    *,
    entry_id: UUID | None,
    rule_id: UUID | None,
) -> structs.MatchRecord:
    """What a person chose."""
    values = {
        "account_id": account_id,
        "kind": kind,
        "matched_by": "person",
        "score": 100,
        "reasons": ["chosen"],
        "line_ids": line_ids,
        "posting_ids": posting_ids,
        "entry_id": entry_id,
        "rule_id": rule_id,
    }
    match = await MATCH.insert(values, by=by)
    if await _ADD_POSTINGS.execute(match.id, posting_ids) != len(posting_ids):
        raise Conflict("A posting was matched a moment ago. Look at the queue again.")
    if await _close_lines.execute(match.id, line_ids) != len(line_ids):
        raise Conflict("A line was matched a moment ago. Look at the queue again.")
    return match


async def accept_certain(account_id: UUID, by: Actor) -> int:
    """Matches what is certain among all open lines. To be called in a transaction; how many lines it matched."""
    lines = await _all_open.all(account_id)
    if not lines:
        return 0
    days = [line.booked_on.toordinal() for line in lines]
    first, last = date.fromordinal(min(days) - rules.WINDOW), date.fromordinal(max(days) + rules.WINDOW)
    postings = await _OPEN_POSTINGS.all(account_id, first, last, MOST_LINES)
    certain = [one for one in rules.single(lines, postings) if one.score >= rules.CERTAIN]
    if not certain:
        return 0
    ids = [uuid7() for _ in certain]
    line_ids = [one.line.id for one in certain]
    posting_ids = [one.postings[0].id for one in certain]
    reasons = [",".join(one.reasons) for one in certain]
    scores = [one.score for one in certain]
    await _ADD_MATCHES.execute(account_id, by.account, request_id(), ids, scores, reasons, line_ids, posting_ids)
    await _CLOSE_EACH.execute(line_ids, ids)
    await _ADD_EACH.execute(posting_ids, ids)
    return len(certain)


async def undo(id: UUID, version: int, by: Actor) -> structs.MatchRecord:
    """The lines and postings are open again; an entry that was posted for the match is reversed.

    Raises Conflict where it was undone already, or that entry's month takes no entries any more.
    """
    async with DB.transaction():
        match = await MATCH.get(id, lock=True, version=version)
        if match.undone_at is not None:
            raise Conflict("This match was undone already.")
        await _open_again.execute(id)
        await _free_postings.execute(id)
        if match.entry_id is not None:
            entry = await read_entry(match.entry_id)
            memo = f"Reverses: {entry.memo}"[:2000]
            await post(entry.booked_on, memo, reversed_postings(entry), "reversal", by, reverses=entry.id)
        if match.rule_id is not None:
            await _forget(match.rule_id, by)
        return await MATCH.change(id, version, {"undone_at": await DB.now(), "undone_by": by.account}, by=by)


async def _forget(rule_id: UUID, by: Actor) -> None:
    rule = await RULE.find(rule_id, lock=True)
    if rule is not None and rule.archived_at is None:
        await RULE.change(rule.id, rule.version, {"uses": max(rule.uses - 1, 0)}, by=by)
