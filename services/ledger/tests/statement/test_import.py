"""Importing files of banks over HTTP: what is new is taken once, and what contradicts itself isn't taken."""

import asyncio
import base64
import itertools
import random
from datetime import date

import pytest

from gatehouse_ledger.bank_file.structs import BankLine

from ..conftest import API, account, entry
from ..statement_files import FORMATS, as_camt, as_csv, as_mt940, as_ofx, lines, mutilated

_codes = itertools.count(1600)
TABLES = (
    "statement",
    "statement_line",
    "match",
    "posting_match",
    "csv_mapping",
    "bank_file",
    "journal_entry",
    "posting",
)
TABLES += ("event", "matching_rule", "accounting_period", "idempotency_key")


@pytest.fixture
async def bank(ledger, by) -> str:
    """An account of its own, whose statements are imported."""
    body = {"code": str(next(_codes)), "name": "A bank's account", "type": "asset", "bank": True}
    answer = await ledger.post(f"{API}/accounts", headers=by("finance"), json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


@pytest.fixture
def drop(ledger, by):
    async def stage(account_id: str, content: bytes, name: str = "statement") -> dict:
        body = {"account_id": account_id, "name": name, "content": base64.b64encode(content).decode()}
        answer = await ledger.post(f"{API}/bank-files", headers=by("finance"), json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return stage


@pytest.fixture
def imported(ledger, by, drop):
    async def import_(account_id: str, content: bytes, **body) -> dict:
        staged = await drop(account_id, content)
        answer = await ledger.post(f"{API}/bank-files/{staged['id']}/import", headers=by("finance"), json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return import_


async def dump(sql) -> str:
    rows = [await sql.fetch(f"select t::text from ledger.{table} t order by 1") for table in TABLES]
    return "\n".join(row[0] for of in rows for row in of)


@pytest.mark.parametrize("name", FORMATS)
async def test_importing_again_or_in_halves_changes_nothing(bank, imported, drop, sql, name):
    made, opening = lines(21, 20), 12_345
    middle = sum(line.amount for line in made[:8])
    first = await imported(bank, FORMATS[name](made[:14], opening))
    assert (first["new_lines"], first["known_lines"], first["quarantined"]) == (14, 0, 0)
    overlapping = FORMATS[name](made[8:], opening + middle)
    shown = await drop(bank, overlapping)
    assert [(one["new_lines"], one["known_lines"]) for one in shown["statements"]] == [(6, 6)]
    second = await imported(bank, overlapping)
    assert (second["new_lines"], second["known_lines"], second["quarantined"]) == (6, 6, 0)
    before = await dump(sql)
    for content in (FORMATS[name](made[:14], opening), overlapping, FORMATS[name](made, opening)):
        again = await imported(bank, content)
        assert (again["new_lines"], again["quarantined"]) == (0, 0)
    assert await dump(sql) == before


def line(day: str, amount: int, text: str, bank_id: str = "") -> BankLine:
    return BankLine(date.fromisoformat(day), amount, text, "", bank_id)


COFFEE, INTEREST = line("2041-05-02", -450, "COFFEE"), [line(f"2041-05-{day:02}", 3, "INTEREST") for day in range(1, 8)]
CASES: dict[str, tuple[list[list[BankLine]], list[int]]] = {
    "look-alikes are two, also when a third comes later": ([[COFFEE] * 2, [COFFEE] * 3, [COFFEE] * 3], [2, 1, 0]),
    "interest of each day is a line of its own": ([INTEREST[:3], INTEREST], [3, 4]),
    "an id that the bank used before isn't a known line": (
        [
            [line("2041-05-02", -100, "A", "1")],
            [line("2041-05-03", -100, "B", "1"), line("2041-05-02", -100, "A", "1")],
        ],
        [1, 1],
    ),
    "a line that was posted late is taken": (
        [[line("2041-05-01", 5, "A"), line("2041-05-09", 5, "C")], [line("2041-05-04", 7, "B")]],
        [2, 1],
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_the_right_number_of_lines_is_new(bank, imported, case):
    files, expected = CASES[case]
    done = [(await imported(bank, as_csv(of, 0, balance=False)))["new_lines"] for of in files]
    assert done == expected


@pytest.mark.parametrize("write", [as_csv, as_camt, as_mt940])
async def test_what_contradicts_itself_is_put_into_quarantine(ledger, by, bank, imported, sql, write):
    made = lines(5)
    right = write(made, 1_000)
    lost = write([*made[:4], *made[5:]], 1_000)
    wrong = (
        b"".join(one for number, one in enumerate(right.splitlines(keepends=True)) if number != 5)
        if write is as_csv
        else lost.replace(*_closing(lost, right, write))
    )
    outcome = await imported(bank, wrong)
    assert (outcome["quarantined"], outcome["new_lines"]) == (1, 0)
    found = await ledger.get(f"{API}/statements", headers=by("finance"), params={"account": bank})
    (statement,) = found.json()["items"]
    assert (statement["state"], statement["difference"] != 0) == ("quarantined", True)
    before = await dump(sql)
    await imported(bank, wrong)
    assert await dump(sql) == before
    assert (await imported(bank, right))["new_lines"] == len(made)


def _closing(lost: bytes, right: bytes, write) -> tuple[bytes, bytes]:
    """The closing balance of the one and of the other."""
    mark = b":62F:" if write is as_mt940 else b"CLBD"
    return lost[lost.index(mark) :][:60], right[right.index(mark) :][:60]


async def test_ofx_is_proven_by_the_balance_before_it(bank, imported, drop):
    made = lines(8, 18)
    assert (await drop(bank, as_ofx(made[:6], 500)))["statements"][0]["state"] == "unproven"
    await imported(bank, as_ofx(made[:6], 500))
    after = 500 + sum(one.amount for one in made[:6])
    (shown,) = (await drop(bank, as_ofx(made[6:12], after)))["statements"]
    assert (shown["state"], shown["why"]) == ("proven", "")
    gap = as_ofx(made[12:], after + sum(one.amount for one in made[6:12]))
    (shown,) = (await drop(bank, gap))["statements"]
    assert (shown["state"], shown["difference"]) == ("unproven", sum(one.amount for one in made[6:12]))
    assert "may be missing" in shown["why"]


async def test_files_of_another_account_or_currency_are_refused(bank, imported, drop):
    await imported(bank, as_ofx(lines(1), 0))
    other = await drop(bank, as_ofx(lines(1), 0, account="000555000"))
    assert "account …5000; earlier ones of this account are of …6789" in other["refused"]
    assert "in EUR" in (await drop(bank, as_camt(lines(1), 0).replace(b"USD", b"EUR")))["refused"]
    two = as_mt940(lines(1), 0) + b"\r\n" + as_mt940(lines(2), 0, account="987654321")
    assert "several accounts" in (await drop(bank, two))["refused"]


async def test_columns_are_said_once(ledger, by, bank, drop, imported):
    content = b"Wann;Wieviel;Was\n03/04/2041;1,50;Tea\n"
    staged = await drop(bank, content)
    assert (staged["columns"], staged["mapping"]) == (["Wann", "Wieviel", "Was"], None)
    assert "which the amount" in staged["refused"]
    path = f"{API}/bank-files/{staged['id']}"
    assert (await ledger.post(f"{path}/import", headers=by("finance"), json={})).status_code == 422
    mapping = {"day": "Wann", "day_order": "dmy", "amount": "Wieviel", "text": ["Was"], "decimal_comma": True}
    shown = await ledger.post(f"{path}/preview", headers=by("finance"), json={"mapping": mapping})
    assert shown.json()["statements"][0]["sample"][0]["amount"] == 150
    assert (await imported(bank, content, mapping=mapping))["new_lines"] == 1
    later = await drop(bank, b"Wann;Wieviel;Was\n04/04/2041;2,50;Tea\n")
    assert (later["refused"], later["statements"][0]["from_on"]) == ("", "2041-04-04")


async def test_no_file_breaks_the_service(ledger, by, bank):
    chance = random.Random(11)
    for number in range(24):
        content = mutilated(list(FORMATS.values())[number % 4](lines(number, 4), 100), chance)
        body = {"account_id": bank, "name": "x", "content": base64.b64encode(content).decode()}
        staged = await ledger.post(f"{API}/bank-files", headers=by("finance"), json=body)
        assert staged.status_code == 201, staged.text
        done = await ledger.post(f"{API}/bank-files/{staged.json()['id']}/import", headers=by("finance"), json={})
        assert done.status_code == (422 if staged.json()["refused"] else 200), done.text


async def test_the_same_file_at_once_is_imported_once(ledger, by, bank, drop, sql):
    staged = await drop(bank, as_csv(lines(9, 15), 0))
    path = f"{API}/bank-files/{staged['id']}/import"
    answers = await asyncio.gather(*(ledger.post(path, headers=by("finance"), json={}) for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {200, 404}
    assert sum(answer.json()["new_lines"] for answer in answers if answer.status_code == 200) == 15


async def test_a_file_that_is_looked_at_can_be_put_away(ledger, by, bank, drop):
    staged = await drop(bank, as_csv(lines(9), 0))
    path = f"{API}/bank-files/{staged['id']}"
    assert (await ledger.get(path, headers=by("finance"))).json() == staged
    assert (await ledger.get(path, headers=by("board"))).status_code == 404
    assert (await ledger.delete(path, headers=by("finance"))).status_code == 204
    assert (await ledger.get(path, headers=by("finance"))).status_code == 404


async def test_only_a_bank_s_account_has_statements(ledger, by):
    body = {"account_id": account(4010), "name": "x", "content": ""}
    answer = await ledger.post(f"{API}/bank-files", headers=by("finance"), json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "account_id")


async def test_what_is_certain_is_matched_at_once(ledger, by, bank, imported):
    body = entry("2041-06-02", 12_300, memo="Gift of Müller")
    body["postings"][0]["account_id"] = bank
    assert (await ledger.post(f"{API}/entries", headers=by("finance"), json=body)).status_code == 201
    outcome = await imported(bank, as_csv([line("2041-06-03", 12_300, "MÜLLER GMBH")], 0))
    assert outcome["matched"] == 1
    listed = (await ledger.get(f"{API}/reconciliations", headers=by("board"))).json()
    (shown,) = [one for one in listed if one["account_id"] == bank]
    assert (shown["statement"], shown["books"], shown["open_lines"], shown["open_postings"]) == (12_300, 12_300, 0, 0)
