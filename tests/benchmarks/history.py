"""`gate bench history`: what keeping history adds to a change over HTTP: the service person with and without it.

The same changes of the same person, in turn at both, in one run; `--quick` makes fewer rounds.
"""

import argparse
import statistics
import sys
import time

import httpx
from harness import Contestant, Figure, console, server, show
from world import PEERS, World, world

PERSON = "019a0000-0001-7000-8000-000000000015"
PATH = f"/api/person/people/{PERSON}"
MOST_ADDED = 1.2


class Changes:
    """Changes of one person at one of the two services; `seconds` of each."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._client = httpx.Client(base_url=url, headers=headers)
        self.seconds: list[float] = []

    def make(self, count: int) -> None:
        etag = self._client.get(PATH).raise_for_status().headers["ETag"]
        for number in range(count):
            body = {"phone": f"+4930{time.monotonic_ns() % 10**8:08d}", "location": f"City {number}"}
            began = time.perf_counter()
            answer = self._client.patch(PATH, json=body, headers={"If-Match": etag})
            self.seconds.append(time.perf_counter() - began)
            etag = answer.raise_for_status().headers["ETag"]


def with_and_without(world: World) -> tuple[Contestant, Contestant]:
    environment = world.environment("person")
    command = [sys.executable, str(PEERS / "without_history.py")]
    return world.service("person"), Contestant("person without history", command, "/health/ready", environment, {})


def measured(world: World, rounds: int) -> Figure:
    kept, unkept = with_and_without(world)
    headers = world.token("coordinator")
    with server(kept) as (one, kept_url, _), server(unkept) as (other, unkept_url, _):
        both = [Changes(kept_url, headers), Changes(unkept_url, headers)]
        for changes in both:
            changes.make(50)
            changes.seconds.clear()
        before = [sum(process.cpu_times()[:2]) for process in (one, other)]
        for number in range(rounds):
            for changes in both if number % 2 else both[::-1]:
                changes.make(25)
        used = [sum(process.cpu_times()[:2]) - begun for process, begun in zip((one, other), before, strict=True)]
    medians = [statistics.median(changes.seconds) for changes in both]
    made = rounds * 25
    for name, median, cpu in zip(("with", "without"), medians, used, strict=True):
        console.print(f"{name:8} {median * 1e6:6.0f} us a change, {cpu / made * 1e6:6.0f} us CPU of the service")
    added = medians[0] / medians[1]
    return Figure("a change over HTTP: with / without history", f"{added:.2f}", f"<= {MOST_ADDED}", added <= MOST_ADDED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    rounds = 20 if parser.parse_args().quick else 80
    with world() as made:
        show("history", [measured(made, rounds)])


if __name__ == "__main__":
    main()
