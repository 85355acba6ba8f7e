"""Which postings a line of a statement may be, how certain that is, and why. Pure functions: no database, no HTTP."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TypeVar
from uuid import UUID

from gatehouse_ledger.enumerators import MatchReason
from gatehouse_ledger.match.structs import LearnedRule, LineBooking, LineSuggestion, OpenLine, OpenPosting
from gatehouse_ledger.match.subsets import Found, find

CERTAIN = 90
"""From this score on, a suggestion of one line and one posting is accepted by itself."""
WINDOW = 10  # days between a line and a posting
LEARNED_AFTER = 2  # bookings alike
# What payment services keep at most: 6 % and 50 cents a payment (Stripe: 2.9 % and 30 cents; abroad 4.4 %).
FEE_PERCENT, FEE_EACH = 6, 50
_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON = frozenset(
    (
        *("ach", "pos", "the", "and", "for", "from", "debit", "credit", "card", "payment", "purchase", "transfer"),
        *("online", "inc", "llc", "ltd", "web", "ppd", "des", "orig", "deposit", "withdrawal", "check", "gift"),
        *("donation", "gifts", "monthly"),
    )
)
Item = TypeVar("Item", OpenLine, OpenPosting)


def words(text: str) -> list[str]:
    """What a line is recognised by: its words without numbers and without what all lines have."""
    return [word for word in _WORD.findall(text.lower()) if word not in _COMMON]


def payee(text: str) -> str:
    """What a rule remembers of a line; empty where it has no words of its own."""
    return " ".join(words(text)[:4])


def single(lines: Sequence[OpenLine], postings: Sequence[OpenPosting]) -> list[LineSuggestion]:
    """The pairs of one line and one posting of the same amount; each line and each posting in one at most."""
    by_amount: dict[int, list[OpenPosting]] = defaultdict(list)
    for posting in postings:
        by_amount[posting.amount].append(posting)
    rivals = Counter(line.amount for line in lines)
    pairs = [
        (_scored(line, posting, len(near) == 1 and rivals[line.amount] == 1), line, posting)
        for line in lines
        if line.amount in by_amount
        for near in [[one for one in by_amount[line.amount] if _days(line, one) <= WINDOW]]
        for posting in near
    ]
    pairs.sort(key=lambda pair: (-pair[0][0], pair[1].booked_on, pair[2].booked_on, pair[1].id, pair[2].id))
    best: dict[UUID, list[int]] = defaultdict(list)
    for (score, _), line, posting in pairs:
        best[line.id].append(score)
        best[posting.id].append(score)
    used: set[UUID] = set()
    found = []
    for (score, reasons), line, posting in pairs:
        if used.isdisjoint((line.id, posting.id)):
            used |= {line.id, posting.id}
            # As good as another: a person decides, unless there is nothing to tell them apart.
            torn = any(sum(other >= score - 5 for other in best[one]) > 1 for one in (line.id, posting.id))
            shown = min(score, CERTAIN - 1) if torn else score
            found.append(LineSuggestion(line, "one_to_one", shown, reasons, [line], [posting], 0))
    return found


def _scored(line: OpenLine, posting: OpenPosting, alone: bool) -> tuple[int, list[MatchReason]]:
    score = 55
    reasons: list[MatchReason] = ["same_amount"]
    days = _days(line, posting)
    if days == 0:
        score += 15
        reasons.append("same_day")
    elif days <= 4:
        score += 10
        reasons.append("near_day")
    if line.reference and len(line.reference) >= 3 and line.reference.lower() in posting.memo.lower():
        score += 25
        reasons.append("reference_found")
    named = _named(line.text, posting.memo)
    if named >= 50:
        score += named // 5
        reasons.append("name_found")
    if alone:
        score += 12
        reasons.append("only_one")
    return min(score, 100), reasons


def _named(first: str, second: str) -> int:
    """How many of the words of the shorter text stand in the other, in percent."""
    one, other = set(words(first)), set(words(second))
    return 100 * len(one & other) // min(len(one), len(other)) if one and other else 0


def _days(line: OpenLine, posting: OpenPosting) -> int:
    return abs((line.booked_on - posting.booked_on).days)


def several(lines: Sequence[OpenLine], postings: Sequence[OpenPosting]) -> Iterator[LineSuggestion]:
    """Lines that pay several postings, whole or less fees, and postings that several lines pay. The surest of each."""
    for line in lines:
        near = [one for one in postings if _days(line, one) <= WINDOW]
        alike = [one for one in near if set(words(one.memo)) & set(words(line.text))]
        found = _adding_up(line, alike, near)
        if found is not None:
            yield found
    for posting in postings:
        near_lines = [one for one in lines if _days(one, posting) <= WINDOW]
        alike_lines = [one for one in near_lines if set(words(one.text)) & set(words(posting.memo))]
        result = find(posting.amount, alike_lines) or find(posting.amount, near_lines)
        if result is not None:
            score, reasons = _of_several(result, len(alike_lines) > 0 and result.within(alike_lines))
            chosen = list(result.items)
            yield LineSuggestion(chosen[0], "many_to_one", score, reasons, chosen, [posting], 0)


def _adding_up(line: OpenLine, alike: list[OpenPosting], near: list[OpenPosting]) -> LineSuggestion | None:
    for candidates in (alike, near):
        result = find(line.amount, candidates)
        if result is not None:
            score, reasons = _of_several(result, result.within(alike))
            return LineSuggestion(line, "one_to_many", score, reasons, [line], list(result.items), 0)
    payout = _less_fees(line, alike)
    if payout is None:
        return None
    rest = line.amount - sum(one.amount for one in payout)
    return LineSuggestion(line, "one_to_many", 75, ["less_fees", "name_found"], [line], payout, rest)


def _less_fees(line: OpenLine, alike: Sequence[OpenPosting]) -> list[OpenPosting] | None:
    """The payments of some days in a row that a payout may be of: what is missing is nearest to a usual fee."""
    by_day: dict[date, list[OpenPosting]] = defaultdict(list)
    for one in alike:
        if one.amount > 0 and one.booked_on <= line.booked_on:
            by_day[one.booked_on].append(one)
    days = sorted(by_day)
    best: tuple[int, list[OpenPosting]] | None = None
    for first in range(len(days)):
        chosen: list[OpenPosting] = []
        for day in days[first:]:
            chosen = chosen + by_day[day]
            total = sum(one.amount for one in chosen)
            fee = total - line.amount
            if 0 < fee <= total * FEE_PERCENT // 100 + FEE_EACH * len(chosen):
                off = abs(fee - total * 29 // 1000 - 30 * len(chosen))
                best = min(best, (off, chosen), key=lambda pair: pair[0]) if best else (off, chosen)
    return None if best is None else best[1]


def _of_several(result: Found, named: bool) -> tuple[int, list[MatchReason]]:
    reasons: list[MatchReason] = ["adds_up"]
    score = 62
    if named:
        score += 16
        reasons.append("name_found")
    if result.only_one:
        score += 8
        reasons.append("only_one")
    return score, reasons


def by_rule(line: OpenLine, learned: dict[tuple[str, bool], LearnedRule]) -> LineSuggestion | None:
    rule = learned.get((payee(line.text), line.amount > 0))
    if rule is None or not rule.words or rule.uses < LEARNED_AFTER:
        return None
    booking = LineBooking(
        counter_account_id=rule.counter_account_id,
        fund_id=rule.fund_id,
        function=rule.function,
        program_id=rule.program_id,
    )
    score = min(60 + 5 * rule.uses, CERTAIN - 1)
    return LineSuggestion(line, "booked", score, ["rule"], [line], [], line.amount, booking, rule.id)


def suggestions(
    lines: Sequence[OpenLine], postings: Sequence[OpenPosting], rules: Iterable[LearnedRule]
) -> list[LineSuggestion]:
    """The surest suggestion of each line, the surest first; no line or posting is in two."""
    learned = {(rule.words, rule.incoming): rule for rule in rules}
    found = single(lines, postings)
    taken = {one.id for of in found for one in (*of.lines, *of.postings)}
    rest = [line for line in lines if line.id not in taken]
    found += several(rest, [posting for posting in postings if posting.id not in taken])
    found += [one for line in rest if (one := by_rule(line, learned)) is not None]
    return _apart(found)


def _apart(found: list[LineSuggestion]) -> list[LineSuggestion]:
    found.sort(key=lambda one: (-one.score, one.line.booked_on, one.line.id))
    used: set[UUID] = set()
    kept = []
    for one in found:
        ids = {item.id for item in (*one.lines, *one.postings)}
        if used.isdisjoint(ids):
            used |= ids
            kept.append(one)
    return kept
