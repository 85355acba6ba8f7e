"""The rules as Prometheus itself judges them: promtool checks the file, and runs every alert firing and not firing."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gatehouse_catalog import Service, find_root, load_catalog
from gatehouse_observability import platform_alerts
from gatehouse_observability.prometheus import rule_groups
from gatehouse_observability.rules import Alert, as_yaml, rules_document
from gatehouse_observability.testing import promtool

ROOT = find_root(Path(__file__).parent)
CATALOG = load_catalog(ROOT)
SERVICES = list(CATALOG)
ALERTS = [alert for group in rule_groups(CATALOG) for alert in group.alerts]
STEP, HOURS_STEP, WEEKS_STEP = 60, 120, 600  # seconds between samples
MIB = 1024 * 1024


Values = list[float | None]  # None: no sample
Series = dict[str, Values]


@dataclass
class Case:
    """What happened to a service (series by name, a value each `step` seconds), and which alerts say so, with the value
    shown. `spares` are alerts that it comes near to, or that others could take it for: they must be silent.
    """

    name: str
    series: Callable[[Service], Series]
    says: dict[str, str] = field(default_factory=dict)
    spares: Sequence[str] = ()
    step: int = STEP


def level(value: float, minutes: int) -> Values:
    return [value] * (minutes + 1)


def growing(*parts: tuple[float, int]) -> Values:
    """A counter: (growth per step, steps) one after the other."""
    values: list[float] = [0.0]
    for each, steps in parts:
        for _ in range(steps):
            values.append(values[-1] + each)
    return [*values]


def visited(service: Service, minutes: int) -> Series:
    """From outside, with success."""
    return {f'gatehouse_probe_success{{address="{service.name}"}}': level(1, minutes)}


def well(service: Service, minutes: int = 30) -> Series:
    found = {f'up{{service="{service.name}"}}': level(1, minutes), **visited(service, minutes)}
    if service.database:
        found[f'gatehouse_database_up{{service="{service.name}"}}'] = level(1, minutes)
    return found


def requests(service: Service, good: Values, bad: Values) -> Series:
    which = f'service="{service.name}",method="GET",route="/things"'
    return well(service, len(good) - 1) | {
        f'gatehouse_http_requests_total{{{which},status="200"}}': good,
        f'gatehouse_http_requests_total{{{which},status="503"}}': bad,
    }


def latencies(service: Service, within: Values, all_of_them: Values) -> Series:
    """`within` take just as long as is promised, the rest half as long again: each bucket has those that it holds."""
    which = f'service="{service.name}",method="GET",route="/things"'
    promised = service.objectives.latency_p99_ms / 1000
    held = {promised / 2: level(0, len(within) - 1), promised: within, 2 * promised: all_of_them}
    return well(service, len(within) - 1) | {
        **{
            f'gatehouse_http_request_duration_seconds_bucket{{{which},le="{bound}"}}': values
            for bound, values in held.items()
        },
        f"gatehouse_http_request_duration_seconds_count{{{which}}}": all_of_them,
        f'gatehouse_http_requests_total{{{which},status="200"}}': all_of_them,
    }


def fail(percent: float, steps: int) -> Callable[[Service], Series]:
    """So many per cent of a hundred requests a step."""
    return lambda service: requests(service, growing((100 - percent, steps)), growing((percent, steps)))


def slow(percent: float, steps: int) -> Callable[[Service], Series]:
    return lambda service: latencies(service, growing((100 - percent, steps)), growing((100, steps)))


def has(minutes: int = 30, **values: float) -> Callable[[Service], Series]:
    """Well, with gauges of these names at these values."""
    return lambda service: (
        well(service, minutes)
        | {f'{name}{{service="{service.name}"}}': level(value, minutes) for name, value in values.items()}
    )


def counts(minutes: int = 30, **growth: float) -> Callable[[Service], Series]:
    """Well, with counters of these names growing by so much a minute."""
    return lambda service: (
        well(service, minutes)
        | {f'{name}{{service="{service.name}"}}': growing((each, minutes)) for name, each in growth.items()}
    )


def probed(service: Service, **values: float) -> Series:
    """Well, for two hours, inside and from outside."""
    shown = {"gatehouse_probe_success": 1.0, **values}
    return well(service, 120) | {f'{name}{{address="{service.name}"}}': level(it, 120) for name, it in shown.items()}


def jobs(**values: float) -> Callable[[Service], Series]:
    """Well, with a job whose gauges have these values."""
    return lambda service: (
        well(service)
        | {f'{name}{{service="{service.name}",job="sweep"}}': level(value, 30) for name, value in values.items()}
    )


def follows(state: str = "parked", **values: float) -> Callable[[Service], Series]:
    """Well, while it follows another with these figures."""
    more = {"unhandled": f',state="{state}"'}
    return lambda service: (
        well(service)
        | {
            f'gatehouse_events_{name}{{service="{service.name}",producer="x"{more.get(name, "")}}}': level(value, 30)
            for name, value in values.items()
        }
    )


def opened(**seconds: float) -> Callable[[Service], Series]:
    """Well, with transactions that have been open for so long, by kind; each service of the database sees them."""
    return lambda service: (
        well(service)
        | {
            f'gatehouse_db_open_transaction_seconds{{service="{service.name}",kind="{kind}"}}': level(age, 30)
            for kind, age in seconds.items()
        }
    )


def calls(good: float, **bad: float) -> Callable[[Service], Series]:
    """To a service `other`, a minute; those that were bad by outcome."""
    return lambda service: (
        well(service)
        | {
            f'gatehouse_client_requests_total{{service="{service.name}",target="other",outcome="{outcome}"}}': growing(
                (each, 30)
            )
            for outcome, each in {"2xx": good, **bad}.items()
        }
    )


def builds(*labels: str) -> Callable[[Service], Series]:
    return lambda service: (
        well(service, 120)
        | {f'gatehouse_build_info{{service="{service.name}",commit="c",{more}}}': level(1, 120) for more in labels}
    )


def memory(share: float) -> Callable[[Service], Series]:
    return lambda service: has(process_resident_memory_bytes=service.compute.memory * MIB * share)(service)


def processor(share: float) -> Callable[[Service], Series]:
    return lambda service: counts(60, process_cpu_seconds_total=60 * service.compute.cpu / 1024 * share)(service)


def starts(service: Service, task: str, times: Sequence[float | None]) -> Series:
    """When the process of a task started, as it says each minute; None: there is no such task."""
    return {f'process_start_time_seconds{{service="{service.name}",instance="{task}"}}': list(times)}


def visits(each: Callable[[int], float]) -> Callable[[Service], Series]:
    """So many requests per ten minutes in each hour, for eight days less an hour; it ends at 23:00."""
    steps = [each(step * WEEKS_STEP // 3600) for step in range(191 * 6)]
    which = 'method="GET",route="/things",status="200"'
    return lambda service: (
        {f'up{{service="{service.name}"}}': level(1, len(steps)), **visited(service, len(steps))}
        | {
            f'gatehouse_http_requests_total{{service="{service.name}",{which}}}': growing(
                *((value, 1) for value in steps)
            )
        }
    )


def refused(good: float, bad: float, status: str) -> Callable[[Service], Series]:
    """A minute, for half an hour."""
    return lambda service: (
        well(service)
        | {
            f'gatehouse_http_requests_total{{service="{service.name}",method="GET",route="/things",status="{code}"}}': (
                growing((each, 30))
            )
            for code, each in (("200", good), (status, bad))
        }
    )


FASTEST = ("AvailabilityBurnsFast", "LatencyBurnsFast")
FIRING = [
    Case(
        "10% fail for 70 minutes",
        lambda service: requests(service, growing((60, 175), (54, 35)), growing((0, 175), (6, 35))),
        {"AvailabilityBurnsFast": "10%"},
        spares=["AvailabilityBurns"],  # it was told already
        step=HOURS_STEP,
    ),
    Case(
        "4% fail for 7 hours",
        fail(4, 210),
        {"AvailabilityBurns": "4%"},
        spares=["AvailabilityBurnsFast"],
        step=HOURS_STEP,
    ),
    Case(
        "2% fail for 7 hours",
        fail(2, 210),
        {"AvailabilityBurnsSlowly": "2%"},
        ["AvailabilityBurns", "LatencyBurns"],
        step=HOURS_STEP,
    ),
    Case("1% fails for a week", fail(1, 1008), {"AvailabilityBurnsSlowly": "1%"}, FASTEST, step=WEEKS_STEP),
    Case(
        "30% are slow for 70 minutes",
        lambda service: latencies(service, growing((60, 175), (42, 35)), growing((60, 210))),
        {"LatencyBurnsFast": "30%"},
        spares=["LatencyBurns"],
        step=HOURS_STEP,
    ),
    Case(
        "10% are slow for 7 hours", slow(10, 210), {"LatencyBurns": "10%"}, spares=["LatencyBurnsFast"], step=HOURS_STEP
    ),
    Case(
        "4% are slow for 7 hours",
        slow(4, 210),
        {"LatencyBurnsSlowly": "4%"},
        ["LatencyBurns", "AvailabilityBurns"],
        step=HOURS_STEP,
    ),
    Case("3% are slow for a week", slow(3, 1008), {"LatencyBurnsSlowly": "3%"}, FASTEST, step=WEEKS_STEP),
    Case(
        "it failed, and has been well for over an hour: nobody is woken",
        lambda service: requests(service, growing((0, 20), (60, 70)), growing((60, 20), (0, 70))),
        {"AvailabilityBurnsSlowly": "22.22%"},
        FASTEST,
    ),
    Case("every target is down", has(up=0), {"ServiceDown": ""}, ["ServiceUnscraped"]),
    Case(
        "nothing is scraped", lambda _: {'up{service="other"}': level(1, 30)}, {"ServiceUnscraped": ""}, ["ServiceDown"]
    ),
    Case(
        "one task of two is down",
        lambda service: well(service) | {f'up{{service="{service.name}",instance="2"}}': level(0, 30)},
        {"TaskDown": "1"},
        ["ServiceDown", "ServiceUnscraped"],
    ),
    Case(
        "one task of two is without database",
        lambda service: (
            well(service)
            | (
                {f'gatehouse_database_up{{service="{service.name}",instance="2"}}': level(0, 30)}
                if service.database
                else {}
            )
        ),
        {"TaskWithoutDatabase": "1"},
        ["DatabaseUnreachable"],
    ),
    Case(
        "a process starts every three minutes for an hour",
        lambda service: well(service, 60) | starts(service, "1", [100 + minute // 3 for minute in range(61)]),
        {"CrashLoop": "10"},
    ),
    Case(
        "a task of its own starts every three minutes for an hour",
        lambda service: (
            well(service, 60)
            | {
                key: values
                for task in range(21)
                for key, values in starts(service, str(task), [None] * 3 * task + [task] * 3).items()
            }
        ),
        {"CrashLoop": "8"},
    ),
    Case(
        "nobody comes, at an hour when many did",
        visits(lambda hour: 40 if hour < 170 else 0),
        {"TrafficGone": ""},
        ["RequestsRefused"],
        WEEKS_STEP,
    ),
    Case(
        "the probe from outside fails, while every service says that all is well",
        lambda service: well(service) | {f'gatehouse_probe_success{{address="{service.name}"}}': level(0, 30)},
        {"ProbeFailing": ""},
        ["ServiceDown"],
    ),
    Case(
        "the edge hangs, and so nobody comes",
        lambda service: (
            visits(lambda hour: 40 if hour < 170 else 0)(service)
            | {f'gatehouse_probe_success{{address="{service.name}"}}': level(0, 191 * 6)}
        ),
        {"ProbeFailing": ""},
        ["TrafficGone"],
        WEEKS_STEP,
    ),
    Case(
        "no visit from outside is known",
        lambda service: {f'up{{service="{service.name}"}}': level(1, 30)},
        {"ProbeSilent": ""},
        ["ProbeFailing"],
    ),
    Case(
        "not even a collector", lambda _: {"nothing_else": level(1, 30)}, {"NothingScraped": ""}, ["ServiceUnscraped"]
    ),
    Case(
        "a certificate ends in twenty days",
        lambda service: probed(service, gatehouse_probe_certificate_expiry_seconds=20 * 86400 + 7200),
        {"CertificateExpires": "20d 0h 0m 0s"},
        ["ProbeSilent"],
    ),
    Case(
        "the log wasn't archived for two hours",
        has(60, gatehouse_db_archive_age_seconds=7200),
        {"BackupLate": "2h 0m 0s"},
    ),
    Case("every answer is 401", refused(0, 60, "401"), {"RequestsRefused": "100%"}, ["TrafficGone"]),
    Case("three in five get 429", refused(40, 60, "429"), {"RequestsRefused": "60%"}),
    Case("PostgreSQL is away", has(gatehouse_database_up=0), {"DatabaseUnreachable": ""}, ["DatabasePoolFull"]),
    Case("two wait at any time", counts(gatehouse_db_pool_wait_seconds_total=120), {"DatabasePoolFull": ""}),
    Case("callers give up waiting", counts(gatehouse_db_pool_timeouts_total=1), {"DatabasePoolFull": ""}),
    Case("a job failed three times", jobs(gatehouse_job_failures=3), {"JobFailing": "3"}, ["JobOverdue"]),
    Case("a job is late", jobs(gatehouse_job_overdue_seconds=1200), {"JobOverdue": "20m 0s"}, ["JobFailing"]),
    Case("a forgotten psql has held a lock for ten minutes", opened(writing=600), {"TransactionOpen": "10m 0s"}),
    Case("somebody has read for an hour", opened(reading=3600), {"TransactionOpen": "1h 0m 0s"}),
    Case("the schema is two collections behind", has(gatehouse_collections_unmet=2), {"MigrationPending": "2"}),
    Case(
        "a tenth of the calls fail, in each way that there is",
        calls(90, **{"5xx": 2, "timeout": 2, "unreachable": 2, "open": 4}),
        {"DependencyFailing": "10%"},
    ),
    Case("two builds for two hours", builds('version="1"', 'version="2"'), {"VersionsMixed": "2"}),
    Case(
        "nine of ten descriptors are open",
        has(process_open_fds=900, process_max_fds=1000),
        {"FileDescriptorsShort": "90%"},
    ),
    Case("a consumer is two minutes behind", follows(lag_seconds=120), {"EventsLate": "2m 0s"}, ["EventsHeld"]),
    Case("a transaction is open for ten seconds", follows(held_seconds=10), {"EventsHeld": "10s"}, ["EventsLate"]),
    Case("an event failed eight times", follows(unhandled=3), {"EventsParked": "3"}, ["EventsLate", "EventsHeld"]),
    Case("a label is unbounded", has(scrape_samples_scraped=9000), {"TooManySeries": "9000"}),
    Case("memory is nearly used up", memory(0.95), {"MemoryShort": ""}),
    Case("the processor is used up", processor(1), {"ProcessorShort": ""}),
]

SILENT = [
    Case("all is well", fail(0, 210), spares=["AvailabilityBurnsFast", "AvailabilityBurns"], step=HOURS_STEP),
    Case("all is fast", slow(0, 210), spares=["LatencyBurnsFast", "LatencyBurns"], step=HOURS_STEP),
    Case("0.2% fail for a week", fail(0.2, 1008), spares=["AvailabilityBurnsSlowly"], step=WEEKS_STEP),
    Case("0.5% are slow for a week", slow(0.5, 1008), spares=["LatencyBurnsSlowly"], step=WEEKS_STEP),
    Case(
        "one of two requests fails, and there are few",
        lambda service: requests(service, growing((0.2, 90)), growing((0.2, 90))),
        spares=["AvailabilityBurnsFast", "AvailabilityBurns", "AvailabilityBurnsSlowly"],
    ),
    Case(
        "one task of two is replaced, and is away for three minutes",
        lambda service: (
            well(service, 60)
            | {
                f'up{{service="{service.name}",instance="2"}}': [*level(1, 50), *level(0, 2), *level(1, 6)],
                **starts(service, "2", [100] * 52 + [200] * 8),
            }
        ),
        spares=["TaskDown", "CrashLoop"],
    ),
    Case(
        "a deployment replaces three tasks",
        lambda service: (
            well(service, 60)
            | {
                key: values
                for task in range(3)
                for key, values in (
                    starts(service, f"old{task}", [100] * 45) | starts(service, f"new{task}", [None] * 40 + [200] * 20)
                ).items()
            }
        ),
        spares=["CrashLoop"],
    ),
    Case("both tasks are without database", has(gatehouse_database_up=1), spares=["TaskWithoutDatabase"]),
    Case(
        "a quiet night, as always",
        visits(lambda hour: 40 if 7 <= hour % 24 <= 19 else 0),
        spares=["TrafficGone"],
        step=WEEKS_STEP,
    ),
    Case(
        "a quarter of the usual visits",
        visits(lambda hour: 40 if hour < 170 else 10),
        spares=["TrafficGone"],
        step=WEEKS_STEP,
    ),
    Case(
        "the probe failed once, and another probe never did",
        lambda service: (
            {
                f'gatehouse_probe_success{{address="{service.name}",instance="1"}}': [
                    *level(1, 26),
                    0,
                    *level(1, 1),
                    0,
                ],
                f'gatehouse_probe_success{{address="{service.name}",instance="2"}}': level(1, 30),
            }
            | {f'up{{service="{service.name}"}}': level(1, 30)}
        ),
        spares=["ProbeFailing"],
    ),
    Case(
        "a certificate ends in two months, and all else is well",
        lambda service: probed(service, gatehouse_probe_certificate_expiry_seconds=60 * 86400),
        spares=["CertificateExpires", "ProbeSilent", "NothingScraped"],
    ),
    Case("the log was archived four minutes ago", has(60, gatehouse_db_archive_age_seconds=240), spares=["BackupLate"]),
    Case("two in five are refused", refused(60, 40, "401"), spares=["RequestsRefused"]),
    Case("a scanner looks for pages that don't exist", refused(10, 90, "404"), spares=["RequestsRefused"]),
    Case("one sign-in in ten minutes, with a wrong password", refused(0, 0.1, "401"), spares=["RequestsRefused"]),
    Case("PostgreSQL answers one task", has(gatehouse_database_up=1), spares=["DatabaseUnreachable"]),
    Case(
        "a caller waits now and then, and some gave up long ago",
        lambda service: (
            counts(gatehouse_db_pool_wait_seconds_total=6)(service) | has(gatehouse_db_pool_timeouts_total=3)(service)
        ),
        spares=["DatabasePoolFull"],
    ),
    Case(
        "a job failed twice, and waits for another",
        jobs(gatehouse_job_failures=2, gatehouse_job_overdue_seconds=600, gatehouse_job_waiting=5000),
        spares=["JobFailing", "JobOverdue"],
    ),
    Case("a backup reads for ten minutes", opened(writing=2, reading=600), spares=["TransactionOpen"]),
    Case("the schema is new enough", has(gatehouse_collections_unmet=0), spares=["MigrationPending"]),
    Case("one call of a hundred fails", calls(99, **{"5xx": 1}), spares=["DependencyFailing"]),
    Case("a tenth of the calls are refused with 4xx", calls(90, **{"4xx": 10}), spares=["DependencyFailing"]),
    Case(
        "one build in two tasks",
        builds('version="1",instance="1"', 'version="1",instance="2"'),
        spares=["VersionsMixed"],
    ),
    Case(
        "descriptors and series are plenty",
        has(60, process_open_fds=40, process_max_fds=1000, scrape_samples_scraped=900),
        spares=["FileDescriptorsShort", "TooManySeries"],
    ),
    Case(
        "a consumer follows, and what failed is tried again",
        follows(lag_seconds=1, held_seconds=0.5, unhandled=0, state="retrying"),
        spares=["EventsLate", "EventsHeld", "EventsParked"],
    ),
    Case("half the memory is used", memory(0.5), spares=["MemoryShort"]),
    Case("half the processor is used", processor(0.5), spares=["ProcessorShort"]),
]


OF_NONE = {"NothingScraped", "ProbeSilent", "BackupLate", "TransactionOpen"}  # no service's: told once


def expected(alert: Alert, value: str, service: Service) -> list[dict]:
    """What promtool must see of one alert rule that fires for the service: its labels and words, rendered."""
    if alert.labels.get("service", service.name) != service.name:
        return []
    if "gatehouse_database_up" in alert.expr and "BurnsF" not in alert.alert and service.database is None:
        return []
    target = {"target": "other"} if "$labels.target" in alert.summary else {}
    own = {} if alert.alert in OF_NONE else {"service": service.name} if "service" in alert.expr else {}
    own = {"address": service.name} if "by (address)" in alert.expr else own
    job = {"job": "sweep"} if "$labels.job" in alert.summary else {}
    producer = {"producer": "x"} if "$labels.producer" in alert.summary else {}
    labels = {**own, **target, **job, **producer}
    words = re.sub(r"{{ \$labels\.(\w+) }}", lambda match: labels[match[1]], alert.summary)
    words = re.sub(r"{{ \$value[^}]*}}", value, words)
    return [
        {
            "exp_labels": {**labels, **alert.labels, "owner": alert.owner, "severity": alert.severity},
            "exp_annotations": {"summary": words, "runbook_url": alert.runbook_file},
        }
    ]


def as_test(case: Case, services: Sequence[Service]) -> dict:
    """Every alert that it says or spares is looked at, and every page; all alerts when it says nothing."""
    series = {name: values for service in services for name, values in case.series(service).items()}
    last = max(len(values) for values in series.values()) - 1
    checked = {*case.says, *case.spares, *PAGES} if case.says else set(NAMES)
    return {
        "name": f"{case.name}: {', '.join(service.name for service in services)}",
        "interval": f"{case.step}s",
        "input_series": shown(series),
        "alert_rule_test": [
            {
                "eval_time": f"{last * case.step}s",
                "alertname": name,
                "exp_alerts": [
                    one
                    for alert in ALERTS
                    if alert.alert == name and name in case.says
                    for service in (services[:1] if name in OF_NONE else services)
                    for one in expected(alert, case.says[name], service)
                ],
            }
            for name in sorted(checked)
        ],
    }


def shown(series: Series) -> list[dict]:
    def text(value: float | None) -> str:
        return "_" if value is None else f"{value:.10g}"

    return [{"series": name, "values": " ".join(map(text, values))} for name, values in series.items()]


# But for the one that always fires: test_the_watchdog_fires_whatever_there_is.
NAMES = sorted({alert.alert for alert in ALERTS if alert.severity != "heartbeat"})
PAGES = {alert.alert for alert in ALERTS if alert.severity == "page"}


def forms() -> list[Service]:
    """One service of each form that the rules of an objective have."""
    found = {}
    for service in SERVICES:
        needs = "*" in service.uses.services or bool(service.uses.services)
        found.setdefault((service.objectives, service.database is None, needs), service)
    return list(found.values())


# Every run tries two services, and a burning budget on one of them; the deep tests try all services and all forms.
EVERYONE = ([*SERVICES], *([service] for service in forms()))
WHO = [
    pytest.param(([CATALOG["topics"], CATALOG["portal"]], [CATALOG["topics"]]), id="two services"),
    pytest.param(EVERYONE, id="every service", marks=pytest.mark.deep),
]


def run(cases: list[Case], folder: Path, who: Sequence[Sequence[Service]]) -> None:
    """What burns a budget is tried on one service at a time: who needs another that burns isn't told of it too. All
    else happens to several at once. One process for all, since promtool starts slower than most cases run.
    """
    files = []
    for services in who:
        alone = len(services) == 1
        mine = {"gatehouse-platform", *(f"gatehouse-{service.name}" for service in services)}
        name = services[0].name if alone else "all"
        (folder / f"{name}.yaml").write_text(as_yaml(rules_document(g for g in rule_groups(CATALOG) if g.name in mine)))
        chosen = [case for case in cases if alone == any("Burns" in one for one in [*case.says, *case.spares])]
        for step in {case.step for case in chosen}:
            files.append(folder / f"{name}-{step}.json")
            content = {
                "rule_files": [f"{name}.yaml"],
                "evaluation_interval": "6h" if step == WEEKS_STEP else "15m",
                "tests": [as_test(case, services) for case in chosen if case.step == step],
            }
            files[-1].write_text(json.dumps(content))  # JSON is YAML
    done = promtool("test", "rules", *map(str, files))
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


def test_prometheus_reads_the_committed_rules():
    done = promtool("check", "rules", "--lint-fatal", str(ROOT / "observability/generated/rules.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("who", WHO)
def test_each_alert_fires_for_every_service_and_no_other_page_does(tmp_path: Path, who: Sequence[Sequence[Service]]):
    run(FIRING, tmp_path, who)


@pytest.mark.parametrize("who", WHO)
def test_no_alert_fires_when_it_must_not(tmp_path: Path, who: Sequence[Sequence[Service]]):
    run(SILENT, tmp_path, who)


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_must_not():
    assert sorted({name for case in FIRING for name in case.says}) == NAMES
    assert sorted({name for case in [*FIRING, *SILENT] for name in case.spares}) == NAMES


def test_the_watchdog_fires_whatever_there_is(tmp_path: Path):
    (tmp_path / "rules.yaml").write_text(as_yaml(rules_document(platform_alerts.groups())))
    told = {"exp_labels": {"severity": "heartbeat", "owner": "platform"}}
    (watchdog,) = [alert for alert in ALERTS if alert.alert == "Watchdog"]
    told["exp_annotations"] = {"summary": watchdog.summary, "runbook_url": watchdog.runbook_file}
    checks = [{"eval_time": at, "alertname": "Watchdog", "exp_alerts": [told]} for at in ("0m", "1h")]
    series = [{"series": "nothing_else", "values": "1x60"}]
    test = {"interval": "1m", "input_series": series, "alert_rule_test": checks}
    content = {"rule_files": ["rules.yaml"], "evaluation_interval": "15m", "tests": [test]}
    (tmp_path / "test.json").write_text(json.dumps(content))
    done = promtool("test", "rules", str(tmp_path / "test.json"))
    assert done.returncode == 0, done.stdout + done.stderr


def dependents() -> Iterable[Service]:
    return [service for service in SERVICES if "identity" in service.uses.services or "*" in service.uses.services]


BURNING = fail(10, 90)
CAUSES: dict[str, Callable[[], Series]] = {
    "its database is away": lambda: {
        f'gatehouse_database_up{{service="{service.name}"}}': level(0, 90) for service in SERVICES if service.database
    },
    "a service that it needs is down": lambda: {'up{service="identity"}': level(0, 90)},
    "the database of one that it needs is away": lambda: {'gatehouse_database_up{service="identity"}': level(0, 90)},
    "a service that it needs burns itself": lambda: BURNING(CATALOG["identity"]),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("cause", CAUSES)
def test_who_was_told_the_cause_is_not_told_the_symptom(tmp_path: Path, cause: str):
    """All that need identity fail; what is told is why."""
    series = {key: values for service in SERVICES for key, values in well(service, 90).items()}
    for service in dependents():
        series |= BURNING(service)
    series |= CAUSES[cause]()
    told = {
        "expr": 'count by (service) (ALERTS{alertname=~".+Burns.*",severity="page",alertstate="firing"})',
        "eval_time": "90m",
        "exp_samples": [{"labels": '{service="identity"}', "value": 1}] if "burns" in cause else [],
    }
    test = {
        "interval": f"{STEP}s",
        "input_series": shown(series),
        "promql_expr_test": [told],
    }
    (tmp_path / "rules.yaml").write_text(as_yaml(rules_document(rule_groups(CATALOG))))
    # Alerts read recordings of other services' groups, made up to one evaluation ago: below the lookback of 5 minutes.
    content = {"rule_files": ["rules.yaml"], "evaluation_interval": "4m", "tests": [test]}
    (tmp_path / "test.yaml").write_text(json.dumps(content))
    done = promtool("test", "rules", str(tmp_path / "test.yaml"))
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


LATER = [0, pytest.param(20, marks=pytest.mark.deep)]


@pytest.mark.parametrize("later", LATER, ids=["at once", "slow first, and failing 20 minutes later"])
def test_what_is_slow_and_fails_wakes_once(tmp_path: Path, later: int):
    """A lock on a table makes half of the requests slow, and then fail."""
    service = CATALOG["topics"]
    every, failed = growing((60, 90)), growing((0, 20 + later), (30, 70 - later))
    served = [total - bad for total, bad in zip(every, failed, strict=True) if total is not None and bad is not None]
    series = {key: values for other in SERVICES for key, values in well(other, 90).items()}
    series |= latencies(service, growing((60, 20), (30, 70)), every) | requests(service, [*served], failed)
    pages = 'ALERTS{alertname=~".+Burns.*",severity="page",alertstate="firing"}'
    checks = [{"expr": f"count({pages})", "eval_time": f"{minute}m"} for minute in (70, 80, 90)]
    ever = {"expr": f"count(max_over_time({pages}[90m]))", "eval_time": "90m"}
    one = {"exp_samples": [{"labels": "{}", "value": 1}]}
    test = {
        "interval": f"{STEP}s",
        "input_series": shown(series),
        "promql_expr_test": [check | one for check in [*checks, ever]],
    }
    (tmp_path / "rules.yaml").write_text(as_yaml(rules_document(rule_groups(CATALOG))))
    content = {"rule_files": ["rules.yaml"], "evaluation_interval": "2m", "tests": [test]}
    (tmp_path / "test.yaml").write_text(json.dumps(content))
    done = promtool("test", "rules", str(tmp_path / "test.yaml"))
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


def test_every_service_of_the_catalog_is_watched():
    for service in SERVICES:
        mine = {alert.alert for alert in ALERTS if alert.labels.get("service") == service.name}
        assert {"AvailabilityBurnsFast", "LatencyBurnsFast", "ServiceUnscraped"} <= mine


def test_alerts_name_an_owner_and_words():
    for alert in ALERTS:
        assert alert.owner in {*CATALOG.domains, "platform"}
        assert len(alert.summary) > 20
