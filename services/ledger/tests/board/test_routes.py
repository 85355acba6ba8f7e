"""The board's figures against sums of their own, and packs that never change once they are frozen."""

import io
import random
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from gatehouse_ledger.board import rules
from gatehouse_ledger.board.structs import BoardFigures, QuarterGifts, QuarterSum, Restatement
from gatehouse_ledger.document.rules import dollars
from gatehouse_ledger.enumerators import ExpenseFunction, MetricKey

from ..conftest import API, entry, fund

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


async def test_few_who_became_known_after_a_pack_was_frozen_are_told_by_no_difference(ledger, by, sql):
    async def join(count: int) -> None:
        event = (
            "insert into ledger.mission_event (id, event_id, kind, happened_on, member_id) values ($1, $1, $2, $3, $1)"
        )
        await sql.executemany(event, [(uuid4(), "joined", date(2025, 8, 1)) for _ in range(count)])

    async def joined() -> tuple[int, list[dict]]:
        figures = (await ledger.get(f"{API}/board/figures?as_of=2025-08-01", headers=by("board"))).json()["figures"]
        (live,) = [one["quarters"][-1]["value"] for one in figures if one["key"] == "joined"]
        return live, (await ledger.get(path, headers=by("board"))).json()["restated"]

    await join(6)
    pack = (await ledger.post(f"{API}/board/packs", headers=by("finance"), json={"ends_on": "2025-09-30"})).json()
    path = f"{API}/board/packs/{pack['id']}"
    assert (await ledger.post(f"{path}/freeze", headers=by("board", if_match='"1"'))).status_code == 200
    before, _ = await joined()
    await join(rules.FEWEST - 1)
    assert await joined() == (before, [])
    await join(1)
    now = before + rules.FEWEST
    assert await joined() == (now, [{"key": "joined", "frozen": before, "now": now}])


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


@given(donors=st.integers(0, 30), repeat=st.integers(0, 30))
def test_donors_who_came_back_and_those_who_are_new_are_five_at_least(donors, repeat):
    told = rules.of_gifts(QuarterGifts(40, donors, min(donors, repeat)))
    if told["donors"] is not None and told["repeat_donors"] is not None:
        assert min(told["repeat_donors"], told["donors"] - told["repeat_donors"]) >= rules.FEWEST


VALUES = st.none() | st.integers(rules.FEWEST, 30)


@given(told=st.dictionaries(st.sampled_from(sorted(rules.PEOPLE | rules.OF_PEOPLE)), VALUES), now=st.data())
def test_what_was_frozen_and_what_is_shown_now_never_differ_by_fewer_than_five(told, now):
    counted = {key: now.draw(VALUES) for key in sorted(rules.PEOPLE | rules.OF_PEOPLE)}
    shown = rules.as_frozen(counted, told)
    assert shown.keys() == counted.keys()
    for key, before in told.items():
        after = shown[key]
        assert after == before or (key in rules.PEOPLE and after == counted[key])
        assert after == before or None in (after, before) or abs(after - before) >= rules.FEWEST


async def test_of_people_nothing_is_told_before_their_quarter_is_over(ledger, by):
    answer = await ledger.get(f"{API}/board/figures", headers=by("board"), params={"as_of": "2199-12-31"})
    values = {one["key"]: {quarter["value"] for quarter in one["quarters"]} for one in answer.json()["figures"]}
    assert {key for key in rules.PEOPLE | rules.OF_PEOPLE if values[key] != {None}} == set()
    assert None not in values["cash"]


async def test_the_file_says_what_the_page_says(ledger, by):
    """The same figures, read back from the PDF: this quarter's and those of a year before, then the programs'."""
    body = {"ends_on": "2026-03-31", "comment": "A quiet winter"}
    pack = (await ledger.post(f"{API}/board/packs", headers=by("finance"), json=body)).json()
    path = f"{API}/board/packs/{pack['id']}"
    assert (await ledger.post(f"{path}/freeze", headers=by("board", if_match='"1"'))).status_code == 200
    figures = (await ledger.get(path, headers=by("board"))).json()["figures"]
    text = printed((await ledger.get(f"{path}/file", headers=by("board"))).content)
    assert "A quiet winter" in text
    for one in figures["figures"]:
        values = [rules.shown(one["quarters"][place]["value"], one["unit"]) for place in (-1, -5)]
        assert " ".join([one["name"], *values]) in text
    assert len(figures["programs"]) == 3
    for one in figures["programs"]:
        assert " ".join([one["name"], *(dollars(one[part]) for part in ("budget", "actual", "left"))]) in text


def printed(content: bytes) -> str:
    pages = PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.deep), pytest.param(3, marks=pytest.mark.deep)])
async def test_of_random_years_each_figure_is_what_python_adds_up(ledger, by, seed):
    """Money of two years that are made here: every figure of every quarter, from the entries that were posted."""
    chance, year = random.Random(seed), 2060 + 4 * seed
    restricted = {fund(1): False, fund(2): True, fund(3): True}
    posted: list[tuple[date, dict]] = []
    for _ in range(60):
        day = date(year + chance.randint(0, 1), chance.randint(1, 12), chance.randint(1, 28))
        debit, credit = chance.choice([(1010, 4010), (1020, 4030), (5010, 1010), (5310, 2010), (1010, 2010)])
        body = entry(str(day), chance.randint(1, 10**7), debit=debit, credit=credit)
        of = chance.choice(list(restricted))
        for posting in body["postings"]:
            posting["fund_id"] = of
            if "function" in posting:
                posting["function"] = chance.choice(["program", "management", "fundraising"])
        assert (await ledger.post(f"{API}/entries", headers=by("finance"), json=body)).status_code == 201
        posted += [(day, posting) for posting in body["postings"]]
    answer = await ledger.get(f"{API}/board/figures", headers=by("board"), params={"as_of": f"{year + 1}-12-31"})
    of_figures = {one["key"]: {q["ends_on"]: q["value"] for q in one["quarters"]} for one in answer.json()["figures"]}
    earlier = await ledger.get(f"{API}/board/figures", headers=by("board"), params={"as_of": f"{year - 1}-12-31"})
    before = {one["key"]: one["quarters"][-1]["value"] for one in earlier.json()["figures"]}

    def added(codes: str, begins: date, ends: date, *, free: bool | None = None, function: str | None = None) -> int:
        return sum(
            posting["amount"]
            for day, posting in posted
            if begins <= day <= ends
            and posting["account_id"][-4:-3] in codes
            and (free is None or restricted[posting["fund_id"]] != free)
            and (function is None or posting.get("function") == function)
        )

    for ends in (date(year, 12, 31), date(year + 1, 3, 31), date(year + 1, 6, 30), date(year + 1, 12, 31)):
        begins, first, day = rules.quarter_begins(ends), date(year, 1, 1), str(ends)
        assert of_figures["income"][day] == -added("4", begins, ends)
        assert of_figures["expenses"][day] == added("5", begins, ends)
        assert of_figures["cash"][day] == before["cash"] + added("1", first, ends)
        assert of_figures["net_assets_free"][day] == before["net_assets_free"] - added("45", first, ends, free=True)
        assert of_figures["net_assets_restricted"][day] == before["net_assets_restricted"] - added(
            "45", first, ends, free=False
        )
        last_year = rules.year_begins(ends)
        spent, program = added("5", last_year, ends), added("5", last_year, ends, function="program")
        assert of_figures["program_share"][day] == ((200 * program + spent) // (2 * spent) if spent else None)
