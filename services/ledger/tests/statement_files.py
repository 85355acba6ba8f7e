"""Files of banks, made here: the same lines in each format, as banks write them. Nothing in them is anybody's."""

import csv
import io
import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from xml.sax.saxutils import escape

from gatehouse_ledger.bank_file.structs import BankLine

PAYEES = ("BLUE RIVER POWER", "Stripe", "Zeffy & Sons", "Müller GmbH", "O'Neil, Pat", "Kafé <Nord>", "CITY WATER")


def lines(seed: int, count: int = 12, begins: date = date(2041, 3, 1)) -> list[BankLine]:
    """Some lines in the order of their days; some are alike in everything."""
    chance = random.Random(seed)
    made: list[BankLine] = []
    day = begins
    while len(made) < count:
        day += timedelta(days=chance.randint(0, 2))
        amount = chance.choice([-1, 1]) * chance.randint(1, 500_000)
        reference = chance.choice(["", f"{chance.randint(100, 9999)}"])
        line = BankLine(day, amount, chance.choice(PAYEES), reference, chance.choice(["", f"B{len(made)}"]))
        made += [line] * chance.choice([1, 1, 1, 2])
    return made[:count]


def as_ofx(of: Sequence[BankLine], opening: int, account: str = "000123456789") -> bytes:
    """OFX 1: SGML, without end tags; its balance is that of the last day."""
    closing = opening + sum(line.amount for line in of)
    parts = [
        "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nENCODING:USASCII\r\nCHARSET:1252\r\n\r\n<OFX><BANKMSGSRSV1>"
        f"<STMTTRNRS><STMTRS><CURDEF>USD<BANKACCTFROM><ACCTID>{account}<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST>"
        f"<DTSTART>{of[0].booked_on:%Y%m%d}<DTEND>{of[-1].booked_on:%Y%m%d}"
    ]
    for line in of:
        check = f"<CHECKNUM>{line.reference}" if line.reference else ""
        parts.append(
            f"<STMTTRN><TRNTYPE>OTHER<DTPOSTED>{line.booked_on:%Y%m%d}120000[-5:EST]<TRNAMT>{line.amount / 100:.2f}"
            f"<FITID>{line.bank_id}{check}<NAME>{escape(line.text)}</STMTTRN>"
        )
    parts.append(
        f"</BANKTRANLIST><LEDGERBAL><BALAMT>{closing / 100:.2f}<DTASOF>{of[-1].booked_on:%Y%m%d}</LEDGERBAL>"
        "</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )
    return "\r\n".join(parts).encode("cp1252")


def as_csv(of: Sequence[BankLine], opening: int, *, balance: bool = True, newest_first: bool = True) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["Account", "Checking ...6789"])
    writer.writerow(["Posting Date", "Description", "Amount", "Check Number", "Transaction ID", *["Balance"][:balance]])
    rows, running = [], opening
    for line in of:
        running += line.amount
        row = [f"{line.booked_on:%m/%d/%Y}", line.text, f"{line.amount / 100:,.2f}", line.reference, line.bank_id]
        rows.append([*row, *[f"${running / 100:,.2f}"][:balance]])
    writer.writerows(rows[::-1] if newest_first else rows)
    return out.getvalue().encode()


def as_camt(of: Sequence[BankLine], opening: int, account: str = "US000123456789") -> bytes:
    def balance(kind: str, amount: int, day: date) -> str:
        return f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{money(amount)}<Dt><Dt>{day}</Dt></Dt></Bal>"

    def money(amount: int) -> str:
        mark = "CRDT" if amount >= 0 else "DBIT"
        return f'<Amt Ccy="USD">{abs(amount) / 100:.2f}</Amt><CdtDbtInd>{mark}</CdtDbtInd>'

    entries = "".join(
        f"<Ntry>{money(line.amount)}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{line.booked_on}</Dt></BookgDt>"
        + (f"<AcctSvcrRef>{line.bank_id}</AcctSvcrRef>" if line.bank_id else "")
        + f"<NtryDtls><TxDtls><Refs><EndToEndId>{line.reference or 'NOTPROVIDED'}</EndToEndId></Refs>"
        f"<RmtInf><Ustrd>{escape(line.text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        for line in of
    )
    closing = opening + sum(line.amount for line in of)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
        f"<BkToCstmrStmt><Stmt><Id>1</Id><Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>USD</Ccy></Acct>"
        f"{balance('OPBD', opening, of[0].booked_on)}{balance('CLBD', closing, of[-1].booked_on)}{entries}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def as_mt940(of: Sequence[BankLine], opening: int, account: str = "123456789") -> bytes:
    def balance(amount: int, day: date) -> str:
        return f"{'C' if amount >= 0 else 'D'}{day:%y%m%d}USD{abs(amount) // 100},{abs(amount) % 100:02}"

    closing = opening + sum(line.amount for line in of)
    parts = [f":20:STMT\r\n:25:{account}\r\n:28C:1/1\r\n:60F:{balance(opening, of[0].booked_on)}"]
    for line in of:
        mark, amount = "C" if line.amount > 0 else "D", abs(line.amount)
        parts.append(
            f":61:{line.booked_on:%y%m%d%m%d}{mark}{amount // 100},{amount % 100:02}NTRF{line.reference}"
            + (f"//{line.bank_id}" if line.bank_id else "")
            + f"\r\n:86:{line.text}"
        )
    return "\r\n".join([*parts, f":62F:{balance(closing, of[-1].booked_on)}", "-"]).encode()


FORMATS: dict[str, Callable[[Sequence[BankLine], int], bytes]] = {
    "ofx": as_ofx,
    "csv": as_csv,
    "camt053": as_camt,
    "mt940": as_mt940,
}


def mutilated(content: bytes, chance: random.Random) -> bytes:
    """The file with some of what happens to files: cut, mixed up, repeated, bytes that are others."""
    made = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 4])):
        place, other = chance.randrange(len(made)), chance.randrange(len(made))
        low, high = sorted((place, min(other, place + 200)))
        what = chance.randrange(6)
        if what == 0:
            del made[low:high]
        elif what == 1:
            made[place] = chance.randrange(256)
        elif what == 2:
            made[place:place] = made[low:high] * chance.randint(1, 3)
        elif what == 3:
            made[place:place] = chance.choice([b"\x00", b"<", b">", b"&", b":61:", b":20:", b",", b'"', b"<STMTTRN>"])
        elif what == 4 and (digits := [at for at, byte in enumerate(made) if 48 <= byte <= 57]):
            made[chance.choice(digits)] = chance.choice(b"0123456789.,-")
        elif len(made) > 50:
            del made[max(place, 20) :]
    return bytes(made) or b"x"
