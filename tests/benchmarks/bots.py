"""`gate bench bots [POSTS]`: programs send a thousand applications while somebody reads the page: mails and waiting.

A platform of its own. The programs come from many addresses, straight to intake:
most do what programs do (fill in the trap, answer at once, solve no puzzle), some send one honest form over and over.
"""

import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from harness import Figure, show

sys.path.insert(0, str(Path(__file__).parents[1]))

from blackbox.test_intake import AGREED, solved

from gatehouse_local.testing.shared_process import shared

POSTS = int(sys.argv[1]) if sys.argv[1:] else 1_000
AT_ONCE = 8
HONEST = 12  # forms whose puzzle the programs solve
READ_SECONDS = 3.1
PAUSE_SECONDS = 0.1  # of who reads the page
MOST_MAILS, MOST_MS = 5, 300
KINDS = ("trap", "quick", "no work", "wrong work", "foreign form", "the same form")


class Bots:
    """Three addresses of strangers get all of it."""

    def __init__(self, intake: str) -> None:
        self.http = httpx.Client(base_url=f"{intake}/api/intake", timeout=60)
        unique = uuid4().hex[:10]
        self.victims = [f"victim{number}-{unique}@example.org" for number in range(3)]
        opened = [self.http.get("/form", headers=_from(number)).json() for number in range(HONEST)]
        self.honest = [(one["form"], solved(one["puzzle"]["parameters"])) for one in opened]
        time.sleep(READ_SECONDS)
        self.answers: Counter[tuple[str, int]] = Counter()

    def send(self, number: int) -> None:
        kind = KINDS[number % len(KINDS)]
        form, proof = self.honest[number % HONEST]
        body: dict[str, Any] = {"form": form, "proof": proof, "name": "Zoë", "email": self.victims[number % 3]}
        body |= {"knows": "x", "hours_month": 4, "consents": AGREED}
        if kind == "trap":
            body["website"] = "https://spam.example"
        elif kind == "quick":
            body["form"] = self.http.get("/form", headers=_from(number)).json()["form"]
        elif kind == "no work":
            del body["proof"]
        elif kind == "wrong work":
            body["proof"] = "eyJzb2x1dGlvbiI6eyJjb3VudGVyIjotMX19"
        elif kind == "foreign form":
            body["form"] = f"{form[:-4]}beef"
        answer = self.http.post("/applications", json=body, headers=_from(number))
        self.answers[kind, answer.status_code] += 1


def _from(number: int) -> dict[str, str]:
    return {"X-Forwarded-For": f"203.0.113.{number % 250}"}


class Reader(threading.Thread):
    """Somebody who opens the page again and again; `waits` in milliseconds."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.http = httpx.Client(base_url=url, timeout=60)
        self.waits: list[float] = []
        self.failed = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(PAUSE_SECONDS):
            began = time.perf_counter()
            self.failed += self.http.get("/become-a-mentor").status_code != 200
            self.waits.append((time.perf_counter() - began) * 1000)


def read_during(url: str, what: Callable[[], object]) -> Reader:
    reader = Reader(url)
    reader.start()
    what()
    reader.over.set()
    reader.join()
    return reader


def mails_to(url: str, address: str) -> int:
    return sum(one["recipient"] == address for one in httpx.get(f"{url}/api/communication/mailbox").json())


def told(facts: dict[str, Any]) -> list[Figure]:
    url = facts["url"]
    quiet = read_during(url, lambda: time.sleep(5))
    bots = Bots(facts["services"]["intake"])

    def all_of_them() -> None:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(bots.send, range(POSTS)))

    began = time.monotonic()
    busy = read_during(url, all_of_them)
    seconds = time.monotonic() - began
    time.sleep(10)  # what was ordered is delivered
    mails = [mails_to(url, one) for one in bots.victims]
    p50, p95 = (_at(busy.waits, share) for share in (0.5, 0.95))
    taken = sum(count for (_, status), count in bots.answers.items() if status == 202)
    return [
        Figure("posts of programs, and how many were taken", f"{POSTS} in {seconds:.0f} s, {taken}", "", None),
        Figure("most mails to one address", str(max(mails)), f"<= {MOST_MAILS}", max(mails) <= MOST_MAILS),
        Figure("the page meanwhile, p50", f"{p50:.0f} ms", "", None),
        Figure("the page meanwhile, p95", f"{p95:.0f} ms", f"<= {MOST_MS} ms", p95 <= MOST_MS),
        Figure("the page, slowest", f"{max(busy.waits):.0f} ms of {len(busy.waits)}", "", None),
        Figure("the page before them, p50", f"{statistics.median(quiet.waits):.0f} ms", "", None),
        Figure("pages that failed", str(busy.failed), "0", not busy.failed),
    ]


def _at(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="gate-bots-") as folder,
        shared(Path(folder), "platform", timeout=240) as facts,
    ):
        show("Programs at the form: where we stand", told(facts))


if __name__ == "__main__":
    main()
