"""What files of banks are read into, and that none of any kind does anything else than be read or refused."""

import random
from datetime import date

import pytest

from gatehouse_ledger.bank_file.csv_file import ColumnsUnknown
from gatehouse_ledger.bank_file.read import read
from gatehouse_ledger.bank_file.structs import CsvMapping, FileRefused

from ..statement_files import FORMATS, as_camt, as_csv, as_ofx, lines, mutilated

FEW, MANY = 60, 6_000


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("seed", range(6))
def test_what_is_written_is_read(name, seed):
    made = lines(seed)
    opening = random.Random(seed).randint(-10_000, 900_000)
    (found,) = read(FORMATS[name](made, opening), "USD")
    assert found.lines == made
    assert (found.format, found.from_on, found.to_on) == (name, made[0].booked_on, made[-1].booked_on)
    assert found.closing == opening + sum(line.amount for line in made)
    assert found.opening == (None if name == "ofx" else opening)


def _read_or_refused(content: bytes) -> bool:
    try:
        read(content, "USD")
    except FileRefused as refused:
        assert str(refused).endswith(".")
        return False
    return True


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("cases", [FEW, pytest.param(MANY, marks=pytest.mark.deep)])
def test_a_mutilated_file_is_read_or_refused(name, cases):
    chance = random.Random(cases)
    done = [
        _read_or_refused(mutilated(FORMATS[name](lines(chance.randrange(99), 6), 10_000), chance)) for _ in range(cases)
    ]
    assert {True, False} == set(done)


BOMB = b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'x'><!ENTITY c '&b;&b;'>]><Document><BkToCstmrStmt>&c;"
HOSTILE = {
    "nothing": b"",
    "only spaces": b" \n ",
    "an entity bomb": BOMB,
    "an entity bomb in UTF-16": BOMB.decode()
    .replace("xml version='1.0'", "xml version='1.0' encoding='utf-16'")
    .encode("utf-16"),
    "an entity in OFX": b"<!DOCTYPE OFX [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>" + as_ofx(lines(1), 0),
    "a ZIP archive": b"PK\x03\x04" + bytes(100),
    "gzip": b"\x1f\x8b\x08" + bytes(100),
    "a PDF": b"%PDF-1.7\n",
    "HTML": b"<!DOCTYPE html><html><body>Sign in</body></html>",
    "deep nesting": b"<Document><BkToCstmrStmt><Stmt>" + b"<a>" * 100_000,
    "one huge line": b"Date,Amount\n" + b"x" * 5_000_000,
    "many columns": b"Date,Amount\n" + b"," * 100_000,
    "an open quote": b'Date,Amount\n"' + b"1,2\n" * 100_000,
    "NUL": bytes(10_000),
    "random bytes": random.Random(1).randbytes(20_000),
    "an unclosed tag": b"OFXHEADER:100\n" + b"<STMTTRN" * 50_000,
    "an MT940 field without end": b":20:X\n:25:1\n:60F:C260101USD1,00\n:61:" + b"1" * 1_000_000,
    "an amount beyond sense": b"Date,Amount\n2026-01-01,99999999999999999\n",
    "a day that isn't": b"Date,Amount\n2026-02-30,1.00\n",
    "parts of a cent": b"Date,Amount\n2026-02-03,1.005\n",
    "an unknown encoding": b"<?xml version='1.0' encoding='klingon'?><Document><BkToCstmrStmt/></Document>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_statement_is_refused_in_words(name):
    with pytest.raises(FileRefused, match=r"\.$"):
        read(HOSTILE[name], "USD")


@pytest.mark.parametrize(
    ("header", "row", "amount", "day"),
    [
        ("Date,Description,Debit,Credit", "01/31/2026,Rent,1200.00,", -120_000, date(2026, 1, 31)),
        ("Date,Description,Debit,Credit", "01/31/2026,Rent,-1200.00,", -120_000, date(2026, 1, 31)),
        ("Date,Description,Withdrawals,Deposits", "01/31/2026,Gift,,35", 3_500, date(2026, 1, 31)),
        ("Buchungstag;Betrag;Verwendungszweck", "31.01.2026;-1.234,56;Miete", -123_456, date(2026, 1, 31)),
        ("Transaction Date\tAmount\tMemo", "2026-01-31\t(12.50)\tFee", -1_250, date(2026, 1, 31)),
        ("Date,Amount", "31 Jan 2026,12.50 CR", 1_250, date(2026, 1, 31)),
        ("Date,Amount", "20260131,$1,250.00", None, None),
        ("Date,Amount", '20260131,"$1,250.00"', 125_000, date(2026, 1, 31)),
    ],
)
def test_columns_are_recognised_as_banks_name_them(header, row, amount, day):
    content = f"{header}\n{row}\n".encode()
    if amount is None:
        assert read(content, "USD")[0].lines[0].amount == 100  # an amount that isn't quoted ends at its comma
        return
    (line,) = read(content, "USD")[0].lines
    assert (line.amount, line.booked_on) == (amount, day)


def test_columns_that_nobody_knows_are_asked_for():
    content = b"Wann,Wieviel,Was\n03/04/2026,1.50,Tea\n"
    with pytest.raises(ColumnsUnknown) as unknown:
        read(content, "USD")
    assert unknown.value.header == ["Wann", "Wieviel", "Was"]
    mapping = CsvMapping(day="Wann", day_order="dmy", amount="Wieviel", text=["Was"])
    (line,) = read(content, "USD", mapping)[0].lines
    assert (line.booked_on, line.amount, line.text) == (date(2026, 4, 3), 150, "Tea")
    with pytest.raises(FileRefused, match="Wo"):
        read(content, "USD", CsvMapping(day="Wann", day_order="dmy", amount="Wo"))


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_running_balance_that_breaks_is_noticed(newest_first):
    made = lines(3)
    content = as_csv(made, 0, newest_first=newest_first)
    assert read(content, "USD")[0].broken_at is None
    without = content.splitlines(keepends=True)
    del without[6]
    assert read(b"".join(without), "USD")[0].broken_at is not None


def test_an_entry_with_very_many_texts_takes_no_longer():
    many = as_camt(lines(1), 0).replace(b"<RmtInf>", b"<RmtInf>" + b"<Ustrd>abcdefghij</Ustrd>" * 20_000, 1)
    assert len(read(many, "USD")[0].lines) == len(lines(1))


def test_what_isn_t_booked_yet_is_no_line():
    content = as_camt(lines(1), 0).replace(b"<Cd>BOOK</Cd>", b"<Cd>PDNG</Cd>", 2)
    assert len(read(content, "USD")[0].lines) == len(lines(1)) - 2
