"""`gate bench bank-files`: what it takes to import large files of banks in each format, from the file to the matches.

Each file goes over HTTP to a ledger of its own: staged (the preview), imported, and matched with books in which one
line in ten has its entry. Then its second half comes once more, of which nothing is new. The ledger has one core,
PostgreSQL the other.
"""

import argparse
import base64
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psutil
import psycopg
from harness import SERVER_CORE, Figure, server, show
from msgspec.structs import replace
from world import ROOT, World, world

sys.path.insert(0, str(ROOT / "services" / "ledger" / "tests"))

from statement_files import FORMATS, lines  # ty: ignore[import-not-found]

from gatehouse_ledger.bank_file.structs import BankLine

SECONDS = {20_000: {"mt940": 9}, 100_000: {"mt940": 45}}
SECONDS_OF_OTHERS = {20_000: 5, 100_000: 20}
MEMORY = 300  # MB
BOOKED = 10  # one line in so many
GIFTS = UUID("019a0000-0040-7000-8000-000000004010")
GENERAL = UUID("019a0000-0041-7000-8000-000000000001")
MONTHS = """
    insert into ledger.accounting_period (id, starts_on)
    select gen_random_uuid(), month from generate_series(%s::date, %s::date, '1 month') month on conflict do nothing
"""
ENTRIES = """
    insert into ledger.journal_entry (id, period_id, booked_on, memo, lines)
    select given.id, period.id, given.day, given.memo, 2
    from unnest(%s::uuid[], %s::date[], %s::text[]) as given(id, day, memo)
    join ledger.accounting_period period on period.starts_on = date_trunc('month', given.day)
"""
POSTINGS = """
    insert into ledger.posting (id, entry_id, position, account_id, fund_id, amount, currency)
    select gen_random_uuid(), given.id, side.position, side.account_id, %s, side.sign * given.amount, 'USD'
    from unnest(%s::uuid[], %s::bigint[]) as given(id, amount)
    cross join (values (1, %s::uuid, 1), (2, %s::uuid, -1)) as side(position, account_id, sign)
"""


@dataclass(frozen=True)
class Taken:
    """How long a file took, in s, what the ledger's process held at most meanwhile, in MB, and what was matched."""

    seconds: float
    again: float
    memory: float
    matched: int


class Bank:
    """A ledger, an account of a bank in it, and the books that know some of the bank's lines."""

    def __init__(self, ledger: httpx.Client, process: psutil.Process, database: str, name: str, number: int) -> None:
        self._ledger, self._process, self._database = ledger, process, database
        body = {"code": f"{1600 + number}", "name": f"The bank that writes {name}", "type": "asset", "bank": True}
        self.account = UUID(self._post("/api/ledger/accounts", body)["id"])

    def book(self, some: Sequence[BankLine]) -> None:
        ids = [uuid4() for _ in some]
        with psycopg.connect(self._database) as connection:
            connection.execute(MONTHS, (some[0].booked_on.replace(day=1), some[-1].booked_on))
            connection.execute(ENTRIES, (ids, [line.booked_on for line in some], [line.text for line in some]))
            amounts = [line.amount for line in some]
            connection.execute(POSTINGS, (GENERAL, ids, amounts, self.account, GIFTS))
        with psycopg.connect(self._database, autocommit=True) as connection:
            connection.execute("analyze ledger.posting, ledger.journal_entry")

    def drop(self, content: bytes) -> tuple[float, dict[str, int]]:
        """Stages and imports a file; the seconds, and what the import answers."""
        began = time.perf_counter()
        body = {"account_id": str(self.account), "name": "x", "content": base64.b64encode(content).decode()}
        staged = self._post("/api/ledger/bank-files", body)
        done = self._post(f"/api/ledger/bank-files/{staged['id']}/import", {})
        return time.perf_counter() - began, done

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._ledger.post(path, json=body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def most_memory(self) -> float:
        """MB that the ledger's process has held at most."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1000 if found else float("nan")


def some_years(seed: int, count: int) -> list[BankLine]:
    """So many lines of ten years, in the order of their days."""
    begins, days = date(2041, 1, 1), 3650
    made = lines(seed, count, begins)
    return [replace(line, booked_on=begins + timedelta(place * days // count)) for place, line in enumerate(made)]


def measure(at: World, name: str, number: int, count: int) -> Taken:
    made = some_years(number, count)
    content, rest = FORMATS[name](made, 0), made[count // 2 :]
    known = FORMATS[name](rest, sum(line.amount for line in made[: count // 2]))
    contestant = at.service("ledger")
    with (
        server(contestant, core=SERVER_CORE) as (process, url, _),
        httpx.Client(base_url=url, headers=at.token("finance"), timeout=600) as ledger,
    ):
        bank = Bank(ledger, process, contestant.environment["GATEHOUSE_DATABASE_URL"], name, number)
        bank.book(made[::BOOKED])
        seconds, done = bank.drop(content)
        again, second = bank.drop(known)
        assert (done["new_lines"], done["quarantined"]) == (count, 0), done
        assert (second["new_lines"], second["quarantined"]) == (0, 0), second
        return Taken(seconds, again, bank.most_memory(), done["matched"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, choices=SECONDS_OF_OTHERS, help="Only files of so many lines.")
    parser.add_argument("--format", choices=FORMATS, help="Only this format.")
    asked = parser.parse_args()
    figures = []
    with world() as at:
        for place, count in enumerate([asked.lines] if asked.lines else SECONDS_OF_OTHERS):
            for number, name in enumerate([asked.format] if asked.format else FORMATS):
                taken = measure(at, name, place * len(FORMATS) + number, count)
                bound = SECONDS[count].get(name, SECONDS_OF_OTHERS[count])
                value = f"{taken.seconds:.1f} s ({taken.matched:,} matched), {taken.memory:.0f} MB"
                reach = f"<= {bound} s, {MEMORY} MB"
                good = taken.seconds <= bound and taken.memory <= MEMORY
                figures += [
                    Figure(f"{count:,} lines of {name}", value, reach, good),
                    Figure("  half of them again", f"{taken.again:.1f} s", f"<= {bound} s", taken.again <= bound),
                ]
    show("bank-files", figures)


if __name__ == "__main__":
    main()
