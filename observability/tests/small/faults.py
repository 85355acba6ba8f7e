"""The faults: how each is made and fixed, and what must be told of it."""

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .world import TASKS, USUAL, Users, World

Alerts = set[tuple[str, str]]


@dataclass
class Fault:
    """`pages` and `tickets` are (alert, service); all pages are named, and some tickets. At the rules' own pace it
    lasts `minutes`.
    """

    name: str
    inject: Callable[[World, Users], Any]
    fix: Callable[[World, Users], Any]
    pages: Alerts = field(default_factory=set)
    tickets: Alerts = field(default_factory=set)
    minutes: int = 30
    reads: str = ""  # by design without data while all is well; see test_live.py
    scraped: tuple[str, ...] = USUAL


# Those that take longest first: several worlds share them.
FAULTS = [
    Fault(
        "5% of the answers fail",
        lambda world, _: world.switch(fails=20),
        lambda world, _: world.switch(),
        pages={("AvailabilityBurns", "back")},
        minutes=7 * 60,
        reads='gatehouse_http_requests_total{status=~"5.."}',
    ),
    Fault(
        "a migration is pending",
        lambda world, _: (world.start("next", needs="1.1.0"), world.observe(*TASKS)),
        lambda world, _: world.end("next"),
        tickets={("MigrationPending", "back")},
        scraped=tuple(TASKS),
    ),
    Fault(
        "a session sits idle in a transaction",
        lambda world, _: world.hold_lock(),
        lambda world, _: world.release_lock(),
        tickets={("TransactionOpen", "")},
    ),
    Fault(
        "a service is stopped",
        lambda world, _: world.end("back"),
        lambda world, _: world.start("back"),
        pages={("ServiceDown", "back")},
        tickets={("DependencyFailing", "front")},
        reads='gatehouse_client_requests_total{outcome=~"5xx|timeout|unreachable|open"}',
    ),
    Fault(
        "a service isn't scraped",
        lambda world, _: world.observe("front"),
        lambda world, _: world.observe(*USUAL),
        pages={("ServiceUnscraped", "back")},
        scraped=("front",),
    ),
    Fault(
        "half of the answers are slow",
        lambda world, _: world.switch(slow=2, seconds=1.8),
        lambda world, _: world.switch(),
        pages={("LatencyBurnsFast", "back")},
        reads="service:sli_burning:ratio",
    ),
    Fault(
        "PostgreSQL is stopped",
        lambda world, _: world.end("postgres", signal.SIGINT),
        lambda world, _: world.start_postgres(),
        pages={("DatabaseUnreachable", "back")},
        tickets={("DependencyFailing", "front")},
        reads='ALERTS{alertstate="firing"}',
    ),
    Fault(
        "the pool is exhausted",
        lambda _, users: users.reports.set(),
        lambda _, users: users.reports.clear(),
        tickets={("DatabasePoolFull", "back")},
    ),
]
