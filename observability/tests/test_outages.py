"""Outages of a platform, minute by minute, under the committed rules: one page each, in time, and none at night.

Three services are there with two tasks each, their traffic and database, and a probe visits from outside.
promtool plays each outage at true pace for hours, through its end. A notification is what the alert manager sends: the
alerts of one name and owner together (its `group_by`). What fires is asked each minute, so that a second page that
replaces the first is counted too.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec import structs

from gatehouse_catalog import Service, find_root, load_catalog
from gatehouse_observability.alertmanager import MORNING_MINUTES, alertmanager_config
from gatehouse_observability.prometheus import rule_groups
from gatehouse_observability.rules import Alert, RuleGroup, as_yaml, rules_document
from gatehouse_observability.testing import promtool

CATALOG = load_catalog(find_root(Path(__file__).parent))
# One without needs, one that needs it, and the front, which needs everybody. The rules of the others are of equal form.
SERVICES = [CATALOG[name] for name in ("identity", "topics", "portal")]
HEALTHY, OUTAGE, AFTER = 65, 80, 20  # minutes of each part
STEP = 60  # seconds between samples
PER_MINUTE = 60.0  # requests of each service
DAY = 86400.0


@dataclass
class Minute:
    """What is true of the platform in one minute; a task's number is 0 or 1."""

    down: frozenset[tuple[str, int]] = frozenset()  # tasks that don't answer the scrape
    unscraped: frozenset[str] = frozenset()  # services of which no series arrives
    without_database: frozenset[tuple[str, int]] = frozenset()
    failing: frozenset[str] = frozenset()  # services whose answers are 5xx
    refusing: frozenset[str] = frozenset()  # services whose answers are 401
    slow: frozenset[str] = frozenset()
    idle: frozenset[str] = frozenset()  # services that nobody asks
    restarting: frozenset[str] = frozenset()  # services whose first task starts anew every three minutes
    build: dict[int, str] | None = None  # of the tasks, while a deployment replaces them
    probe: float | None = 1.0  # None: there is none
    certificate: float = 60 * DAY
    archived: float = 200.0  # seconds ago
    writing: float = 1.0  # seconds for which a transaction is open


WELL = Minute()
EVERYONE = frozenset(service.name for service in SERVICES)
STORED = frozenset(service.name for service in SERVICES if service.database)
TASKS = (0, 1)


def both(*names: str) -> frozenset[tuple[str, int]]:
    return frozenset((name, task) for name in names for task in TASKS)


def upstream(*names: str) -> frozenset[str]:
    """These, and the services that need them."""
    return frozenset(
        service.name for service in SERVICES if {*names} & {one.name for one in CATALOG.start_order([service.name])}
    )


def _task_series(service: Service, task: int, minutes: list[Minute]) -> Iterator[tuple[str, list[float | None]]]:
    name, which = service.name, f'service="{service.name}",instance="{task}"'
    away = [name in one.unscraped for one in minutes]
    silent = [gone or (name, task) in one.down for gone, one in zip(away, minutes, strict=True)]

    def kept(values: list[float]) -> list[float | None]:
        return [None if hidden else value for hidden, value in zip(silent, values, strict=True)]

    up = [float((name, task) not in one.down) for one in minutes]
    yield f"up{{{which}}}", [None if gone else value for gone, value in zip(away, up, strict=True)]
    started = [
        float(number // 3) if name in one.restarting and task == 0 else 0.0 for number, one in enumerate(minutes)
    ]
    yield f"process_start_time_seconds{{{which}}}", kept(started)
    if service.database:
        reached = [float((name, task) not in one.without_database) for one in minutes]
        yield f"gatehouse_database_up{{{which}}}", kept(reached)
        yield f"gatehouse_db_archive_age_seconds{{{which}}}", kept([one.archived for one in minutes])
        open_for = [one.writing for one in minutes]
        yield f'gatehouse_db_open_transaction_seconds{{{which},kind="writing"}}', kept(open_for)
    for build in ("1", "2"):
        runs = [(one.build or {}).get(task, "1") == build for one in minutes]
        hidden = zip(silent, runs, strict=True)
        yield (
            f'gatehouse_build_info{{{which},version="{build}",commit="c"}}',
            [1.0 if there and not gone else None for gone, there in hidden],
        )
    yield from _traffic(service, task, minutes, kept)


def _traffic(
    service: Service, task: int, minutes: list[Minute], kept: Callable[[list[float]], list[float | None]]
) -> Iterator[tuple[str, list[float | None]]]:
    name = service.name
    which = f'service="{name}",instance="{task}",method="GET",route="/things"'
    counts = {"200": 0.0, "401": 0.0, "503": 0.0}
    lines: dict[str, list[float]] = {status: [] for status in counts}
    quick, quicks = 0.0, []
    for one in minutes:
        # Without its peer a task gets all; without both nobody is answered.
        alive = [other for other in TASKS if (name, other) not in one.down and name not in one.unscraped]
        asked = PER_MINUTE / len(alive) if task in alive and name not in one.idle else 0.0
        status = "503" if name in one.failing else "401" if name in one.refusing else "200"
        counts[status] += asked
        quick += 0.0 if name in one.slow else asked
        for key, values in lines.items():
            values.append(counts[key])
        quicks.append(quick)
    every = [sum(values) for values in zip(*lines.values(), strict=True)]
    for status, values in lines.items():
        yield f'gatehouse_http_requests_total{{{which},status="{status}"}}', kept(values)
    duration = "gatehouse_http_request_duration_seconds"
    bound = service.objectives.latency_p99_ms / 1000
    yield f'{duration}_bucket{{{which},le="{bound}"}}', kept(quicks)
    yield f"{duration}_count{{{which}}}", kept(every)


def series(minutes: list[Minute]) -> list[dict[str, str]]:
    found = [pair for service in SERVICES for task in TASKS for pair in _task_series(service, task, minutes)]
    address = 'address="gatehouse.example"'
    found.append((f"gatehouse_probe_success{{{address}}}", [one.probe for one in minutes]))
    found.append((f"up{{{address}}}", [None if one.probe is None else 1.0 for one in minutes]))
    ends = [number * STEP + one.certificate if one.probe is not None else None for number, one in enumerate(minutes)]
    found.append((f"gatehouse_probe_certificate_expiry_seconds{{{address}}}", ends))
    shown = ((name, " ".join("_" if value is None else f"{value:.10g}" for value in values)) for name, values in found)
    return [{"series": name, "values": values} for name, values in shown]


@dataclass
class Outage:
    """What happens, and what must be told of it: the alert, by how many minutes after, and whether it wakes anybody."""

    name: str
    minute: Minute
    alert: str
    within: int
    severity: str = "page"
    lasts: int = OUTAGE


ON_PATH = upstream("identity")
OUTAGES = [
    Outage("the edge hangs", Minute(probe=0, idle=EVERYONE), "ProbeFailing", 5),
    Outage("a service hangs", Minute(down=both("identity"), failing=ON_PATH - {"identity"}, probe=0), "ServiceDown", 4),
    Outage(
        "the front hangs, and nobody gets past it",
        Minute(down=both("portal"), idle=EVERYONE, probe=0),
        "ServiceDown",
        4,
    ),
    Outage(
        "PostgreSQL is stopped",
        Minute(without_database=both(*STORED), failing=EVERYONE, probe=0),
        "DatabaseUnreachable",
        3,
    ),
    Outage(
        "one service is scraped no longer", Minute(unscraped=frozenset({"topics"})), "ServiceUnscraped", 12
    ),  # Prometheus looks back for five minutes
    Outage("the collector is away", Minute(unscraped=EVERYONE, probe=None), "NothingScraped", 12),
    Outage("all answers of one service fail", Minute(failing=upstream("topics"), probe=0), "ProbeFailing", 5),
    Outage("all answers of one service are too late", Minute(slow=upstream("topics"), probe=0), "ProbeFailing", 5),
    Outage("all answers fail, where no probe looks", Minute(failing=frozenset({"portal"})), "AvailabilityBurnsFast", 8),
    Outage("nobody's token is accepted", Minute(refusing=EVERYONE, probe=0), "ProbeFailing", 5),
    Outage("a flood of 401", Minute(refusing=EVERYONE), "RequestsRefused", 20),
    Outage(
        "one task of two is down",
        Minute(down=frozenset({("topics", 1)})),
        "TaskDown",
        12,
        "ticket",
    ),
    Outage(
        "one task of two is without database",
        Minute(without_database=frozenset({("topics", 1)})),
        "TaskWithoutDatabase",
        7,
        "ticket",
    ),
    Outage("a process ends every three minutes", Minute(restarting=frozenset({"topics"})), "CrashLoop", 35, "ticket"),
    Outage("a transaction stays open", Minute(writing=4000.0), "TransactionOpen", 3, "ticket"),
    Outage("the log isn't archived", Minute(archived=7200.0), "BackupLate", 32, "ticket"),
    Outage("the certificate isn't renewed", Minute(certificate=20 * DAY), "CertificateExpires", 62, "ticket"),
    Outage("the certificate has ended", Minute(certificate=-DAY, probe=0, idle=EVERYONE), "ProbeFailing", 5),
    Outage("nothing visits any more", Minute(probe=None), "ProbeSilent", 22, "ticket"),
]


def played(minutes: list[Minute], checks: list[dict]) -> dict:
    return {"interval": f"{STEP}s", "input_series": series(minutes), "promql_expr_test": checks}


def rules() -> list[RuleGroup]:
    """Those of the services here, without recordings that no alert reads: they would only take their time."""
    mine = {"gatehouse-platform", *(f"gatehouse-{service.name}" for service in SERVICES)}
    groups = [group for group in rule_groups(CATALOG) if group.name in mine]
    read = "\n".join(alert.expr for group in groups for alert in group.alerts)
    return [
        structs.replace(group, rules=[it for it in group.rules if isinstance(it, Alert) or it.record in read])
        for group in groups
    ]


def judged(tests: list[dict], folder: Path) -> str:
    """What promtool says of the tests under the rules of this repository; empty if they hold."""
    (folder / "rules.yaml").write_text(as_yaml(rules_document(rules())))
    content = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}
    (folder / "test.json").write_text(json.dumps(content))
    done = promtool("test", "rules", str(folder / "test.json"))
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[-4000:]


def fires(alert: str, severity: str, *, negated: bool = False) -> str:
    return f'ALERTS{{alertstate="firing",severity="{severity}",alertname{"!=" if negated else "="}"{alert}"}}'


def told(outage: Outage) -> list[dict]:
    """It is told in time and stays told, as one notification; and nobody is woken for anything else, then or later."""
    ends = HEALTHY + outage.lasts
    groups = f"count(count by (alertname, owner) ({fires(outage.alert, outage.severity)}))"
    one = [{"labels": "{}", "value": 1}]
    # Minute by minute: promtool keeps what fired as series, over which each question looks back.
    ever = f"max_over_time({{}}[{ends + AFTER}m])"
    others = ever.format(fires(outage.alert if outage.severity == "page" else "", "page", negated=True))
    last = f"{ends + AFTER}m"
    return [
        {"expr": fires("", "page", negated=True), "eval_time": f"{HEALTHY}m"},
        {"expr": groups, "eval_time": f"{HEALTHY + outage.within}m", "exp_samples": one},
        {"expr": groups, "eval_time": f"{ends - 1}m", "exp_samples": one},
        {"expr": others, "eval_time": last},
        {"expr": fires("", "page", negated=True), "eval_time": last},
    ]


def minutes_of(outage: Outage) -> list[Minute]:
    return [WELL] * HEALTHY + [outage.minute] * outage.lasts + [WELL] * (AFTER + 1)


# The rest takes three seconds each: they are deep.
USUAL = {"the edge hangs"}
EACH = [
    pytest.param(outage, id=outage.name, marks=[] if outage.name in USUAL else pytest.mark.deep) for outage in OUTAGES
]


@pytest.mark.parametrize("outage", EACH)
def test_an_outage_is_told_in_time_and_once(outage: Outage, tmp_path: Path):
    assert judged([played(minutes_of(outage), told(outage))], tmp_path) == ""


def test_a_notification_is_the_alerts_of_one_name_and_owner():
    config = alertmanager_config(topic="t", heartbeat="h", region="r")
    assert config["route"]["group_by"] == ["severity", "owner", "alertname"]


@pytest.mark.deep
def test_a_deployment_of_everything_tells_nobody_anything(tmp_path: Path):
    """One service after the other: its tasks are replaced in turn, each away for a minute, beside the old build."""
    minutes = [WELL] * HEALTHY
    for service in SERVICES:
        old_and_new = Minute(down=frozenset({(service.name, 0)}), build={0: "2"})
        minutes += [old_and_new, Minute(build={0: "2"}), Minute(down=frozenset({(service.name, 1)}), build={0: "2"})]
    minutes += [Minute(build={0: "2", 1: "2"})] * AFTER
    ever = f'max_over_time(ALERTS{{alertstate="firing",severity!="heartbeat"}}[{len(minutes)}m])'
    assert judged([played(minutes, [{"expr": ever, "eval_time": f"{len(minutes) - 1}m"}])], tmp_path) == ""


@pytest.mark.deep
def test_a_night_that_switches_off_tells_nobody_anything(tmp_path: Path):
    """Tasks and database are off for eleven hours. Whatever fires then is muted; none does before, and none at the end
    of the mute, when what was off has run for MORNING_MINUTES. The archive is as old as the night for a while.
    """
    off = Minute(unscraped=EVERYONE, probe=0)
    morning = Minute(archived=11 * 3600.0)
    minutes = [WELL] * HEALTHY + [off] * 660 + [morning] * 10 + [WELL] * 120
    dawn = HEALTHY + 660 + MORNING_MINUTES
    firing = 'ALERTS{alertstate="firing",severity!="heartbeat"}'
    checks = [{"expr": firing, "eval_time": f"{minute}m"} for minute in (HEALTHY, *range(dawn, len(minutes), 5))]
    assert judged([played(minutes, checks)], tmp_path) == ""
