"""The board's figures against sums of their own, and packs that never change once they are frozen."""

from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg
import pytest

from gatehouse_ledger.board import rules
from gatehouse_ledger.board.structs import BoardFigures, QuarterGifts, QuarterSum, Restatement
from gatehouse_ledger.enumerators import ExpenseFunction, MetricKey

from ..conftest import API

CASH = """
select sum(p.amount) from ledger.posting p join ledger.journal_entry e on e.id = p.entry_id
join ledger.account a on a.id = p.account_id where a.code in ('1010', '1020', '1050', '1090') and e.booked_on <= $1
"""
OF_TYPE = """
select sum(p.amount) from ledger.posting p join ledger.journal_entry e on e.id = p.entry_id
join ledger.account a on a.id = p.account_id where a.type = any($1) and e.booked_on between $2 and $3
"""


async def test_each_figure_is_an_independent_sum(ledger, by, sql):
    answer = await ledger.get(f"{API}/board/figures?as_of=2026-08-01", headers=by("board"))
    of = {one["key"]: one["quarters"] for one in answer.json()["figures"]}
    assert [len(quarters) for quarters in of.values()] == [8] * len(of)
    for place, quarter in enumerate(of["cash"]):
        ends, value = date.fromisoformat(quarter["ends_on"]), quarter["value"]
        assert value == await sql.fetchval(CASH, ends)
        begins = rules.quarter_begins(ends)
        assert of["income"][place]["value"] == -(await sql.fetchval(OF_TYPE, ["income"], begins, ends) or 0)
        assert of["expenses"][place]["value"] == (await sql.fetchval(OF_TYPE, ["expense"], begins, ends) or 0)
        net = -(await sql.fetchval(OF_TYPE, ["income", "expense", "net_assets"], date(2000, 1, 1), ends))
        assert of["net_assets_free"][place]["value"] + of["net_assets_restricted"][place]["value"] == net


def test_a_quarter_counts_its_year_and_all_before_it_for_what_there_is():
    def spent(begins: date, amount: int, function: ExpenseFunction) -> QuarterSum:
        return QuarterSum(begins, "5010", "expense", "none", function, amount)

    before = QuarterSum(date(2025, 7, 1), "1010", "asset", "none", "none", 1_000)
    sums = [before, spent(date(2025, 7, 1), 900, "program"), spent(date(2025, 10, 1), 1, "program")]
    sums += [spent(date(2026, 7, 1), 7, "management"), spent(date(2026, 10, 1), 500, "program")]
    of = rules.of_quarter(sums, date(2026, 9, 30))
    assert rules.before_all([date(2026, 9, 30)]) == date(2025, 7, 1)
    assert (of["cash"], of["expenses"], of["net_assets_free"]) == (1_000, 7, -908)
    assert (of["runway"], of["program_share"]) == (15_000, 13)  # 12.5 is rounded up


async def test_a_frozen_pack_never_changes_and_a_correction_is_shown_beside_it(ledger, by, sql):
    body = {"ends_on": "2026-09-30", "comment": "A quiet summer"}
    pack = (await ledger.post(f"{API}/board/packs", headers=by("finance"), json=body)).json()
    path, first = f"{API}/board/packs/{pack['id']}", '"1"'
    assert (await ledger.post(f"{path}/freeze", headers=by("finance", if_match=first))).status_code == 403
    assert (await ledger.get(f"{path}/file", headers=by("board"))).status_code == 404
    frozen = await ledger.post(f"{path}/freeze", headers=by("board", if_match=first))
    assert (frozen.status_code, frozen.json()["state"]) == (200, "frozen"), frozen.text
    before = (await ledger.get(path, headers=by("board"))).json()
    file = (await ledger.get(f"{path}/file", headers=by("board"))).content
    assert before["restated"] == []
    for statement in ("comment = 'Another'", "content = '{\"figures\": []}'"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await sql.execute(f"update ledger.board_pack set {statement} where id = $1", UUID(pack["id"]))
    with pytest.raises(asyncpg.RestrictViolationError):
        await sql.execute("delete from ledger.board_pack where id = $1", UUID(pack["id"]))
    assert (await ledger.get(f"{path}/file", headers=by("board"))).content == file
    assert (await ledger.get(path, headers=by("finance"))).json()["figures"] == before["figures"]


def test_what_the_books_say_otherwise_by_now_is_told_with_both_values():
    def of(cash: int, open_days: int) -> BoardFigures:
        values: dict[MetricKey, int | None] = {"cash": cash, "oldest_open_line": open_days}
        return BoardFigures(
            date(2026, 9, 30), datetime(2026, 10, 5, tzinfo=UTC), rules.figures({date(2026, 9, 30): values})
        )

    assert rules.restated(of(100, 3), of(100, 9)) == []
    assert rules.restated(of(100, 3), of(90, 3)) == [Restatement("cash", 100, 90)]


@pytest.mark.parametrize(("day", "told"), [("2026-05-15", "2026-06-30"), ("2999-12-31", "ahead")])
async def test_a_pack_is_of_a_quarter_that_is_over(ledger, by, day, told):
    answer = await ledger.post(f"{API}/board/packs", headers=by("finance"), json={"ends_on": day})
    assert (answer.status_code, told in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("donors", "repeat", "shown"),
    [(4, 0, (None, None)), (5, 5, (5, None)), (9, 5, (9, None)), (10, 5, (10, 5)), (10, 4, (10, None))],
)
def test_fewer_than_five_people_are_never_told_nor_by_a_difference(donors, repeat, shown):
    told = rules.of_gifts(QuarterGifts(20, donors, repeat))
    assert (told["donors"], told["repeat_donors"]) == shown
    assert (told["gifts"] is None) == (donors < 5)
