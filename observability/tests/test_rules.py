"""The rules as Prometheus itself judges them: promtool checks the file, and runs every alert firing and not firing."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gatehouse_catalog import Service, find_root, load_catalog
from gatehouse_observability.objectives import threshold
from gatehouse_observability.prometheus import rule_groups
from gatehouse_observability.rules import Alert, as_yaml, document

ROOT = find_root(Path(__file__).parent)
CATALOG = load_catalog(ROOT)
SERVICES = [service for service in CATALOG if service.kind != "job"]
ALERTS = [alert for group in rule_groups(CATALOG) for alert in group.alerts]
STEP = 60  # seconds between samples
MIB = 1024 * 1024


def promtool(*words: str) -> subprocess.CompletedProcess:
    found = shutil.which("promtool")
    if found is None:
        why = "promtool isn't installed. Mend: apt-get install prometheus"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return subprocess.run([found, *words], capture_output=True, text=True, check=False)


@dataclass
class Case:
    """What happened (series by name, a value each `step` seconds), and which alerts say so, with the value shown."""

    name: str
    series: dict[str, list[float]]
    says: dict[str, str] = field(default_factory=dict)
    step: int = STEP


def level(value: float, minutes: int) -> list[float]:
    return [value] * (minutes + 1)


def growing(*parts: tuple[float, int]) -> list[float]:
    """A counter: (growth per step, steps) one after the other."""
    values = [0.0]
    for each, steps in parts:
        for _ in range(steps):
            values.append(values[-1] + each)
    return values


def well(minutes: int, services: Iterable[Service] = SERVICES) -> dict[str, list[float]]:
    found = {}
    for service in services:
        found[f'up{{service="{service.name}"}}'] = level(1, minutes)
        if service.database:
            found[f'gatehouse_database_up{{service="{service.name}"}}'] = level(1, minutes)
    return found


def requests(good: list[float], bad: list[float]) -> dict[str, list[float]]:
    found = {}
    for service in SERVICES:
        which = f'service="{service.name}",method="GET",route="/things"'
        found[f'gatehouse_http_requests_total{{{which},status="200"}}'] = good
        found[f'gatehouse_http_requests_total{{{which},status="503"}}'] = bad
    return found


def latencies(within: list[float], all_of_them: list[float]) -> dict[str, list[float]]:
    found = {}
    for service in SERVICES:
        which = f'service="{service.name}",method="GET",route="/things"'
        found[f'gatehouse_http_request_duration_seconds_bucket{{{which},le="{threshold(service)}"}}'] = within
        found[f"gatehouse_http_request_duration_seconds_count{{{which}}}"] = all_of_them
        found[f'gatehouse_http_requests_total{{{which},status="200"}}'] = all_of_them
    return found


HOURS_7 = 420
FAILING_LATE = requests(growing((60, 350), (54, 70)), growing((0, 350), (6, 70)))
SLOW_LATE = latencies(growing((60, 350), (42, 70)), growing((60, 420)))


def a_service(name: str, value: float, minutes: int = 30) -> dict[str, list[float]]:
    return {f'{name}{{service="{service.name}"}}': level(value, minutes) for service in SERVICES}


def down(name: str, minutes: int) -> dict[str, list[float]]:
    return {f'up{{service="{name}"}}': level(0, minutes)}


FIRING = [
    Case("10% fail for 70 minutes", well(HOURS_7) | FAILING_LATE, {"AvailabilityBurnsFast": "10%"}),
    Case(
        "4% fail for 7 hours",
        well(HOURS_7) | requests(growing((57.6, 420)), growing((2.4, 420))),
        {"AvailabilityBurns": "4%"},
    ),
    Case(
        "1% fails for a week",
        well(1008) | requests(growing((990, 1008)), growing((10, 1008))),
        {"AvailabilityBurnsSlowly": "1%"},
        step=600,
    ),
    Case("30% are slow for 70 minutes", well(HOURS_7) | SLOW_LATE, {"LatencyBurnsFast": "30%"}),
    Case(
        "10% are slow for 7 hours",
        well(HOURS_7) | latencies(growing((54, 420)), growing((60, 420))),
        {"LatencyBurns": "10%"},
    ),
    Case(
        "3% are slow for a week",
        well(1008) | latencies(growing((970, 1008)), growing((1000, 1008))),
        {"LatencyBurnsSlowly": "3%"},
        step=600,
    ),
    Case(
        "it failed, and has been well for over an hour: nobody is woken",
        well(90) | requests(growing((0, 20), (60, 70)), growing((60, 20), (0, 70))),
        {"AvailabilityBurnsSlowly": "22.22%"},
    ),
    Case("every target is down", a_service("up", 0), {"ServiceDown": ""}),
    Case("nothing is scraped", {"up{service='other'}": level(1, 30)}, {"ServiceUnscraped": ""}),
    Case("PostgreSQL is away", well(30) | a_service("gatehouse_database_up", 0), {"DatabaseUnreachable": ""}),
    Case(
        "two callers wait at any time",
        well(30)
        | {f'gatehouse_db_pool_wait_seconds_total{{service="{s.name}"}}': growing((120, 30)) for s in SERVICES},
        {"DatabasePoolFull": ""},
    ),
    Case(
        "the schema is two collections behind",
        well(30) | a_service("gatehouse_collections_unmet", 2),
        {"MigrationPending": "2"},
    ),
    Case(
        "a tenth of the calls time out",
        well(30)
        | {
            f'gatehouse_client_requests_total{{service="{s.name}",target="other",outcome="{outcome}"}}': growing(
                (n, 30)
            )
            for s in SERVICES
            for outcome, n in (("2xx", 90), ("timeout", 10))
        },
        {"DependencyFailing": "10%"},
    ),
    Case(
        "two builds for two hours",
        well(120)
        | {
            f'gatehouse_build_info{{service="{s.name}",version="{v}",commit="c"}}': level(1, 120)
            for s in SERVICES
            for v in (1, 2)
        },
        {"VersionsMixed": "2"},
    ),
    Case(
        "nine of ten descriptors are open",
        well(30) | a_service("process_open_fds", 900) | a_service("process_max_fds", 1000),
        {"FileDescriptorsShort": "90%"},
    ),
    Case("a label is unbounded", well(30) | a_service("scrape_samples_scraped", 9000), {"TooManySeries": "9000"}),
    Case(
        "memory is nearly used up",
        well(30)
        | {
            f'process_resident_memory_bytes{{service="{s.name}"}}': level(s.compute.memory * MIB * 0.95, 30)
            for s in SERVICES
        },
        {"MemoryShort": ""},
    ),
    Case(
        "the processor is used up",
        well(60)
        | {
            f'process_cpu_seconds_total{{service="{s.name}"}}': growing((60 * s.compute.cpu / 1024, 60))
            for s in SERVICES
        },
        {"ProcessorShort": ""},
    ),
]

SILENT = [
    Case("all is well", well(HOURS_7) | requests(growing((60, 420)), growing((0, 420)))),
    Case("all is fast", well(HOURS_7) | latencies(growing((60, 420)), growing((60, 420)))),
    Case("0.2% fail for a week", well(1008) | requests(growing((998, 1008)), growing((2, 1008))), step=600),
    Case("0.5% are slow for a week", well(1008) | latencies(growing((995, 1008)), growing((1000, 1008))), step=600),
    Case("one of two requests fails, and there are few", well(90) | requests(growing((0.2, 90)), growing((0.2, 90)))),
    Case("one task of two is down", well(30) | {k.replace("}", ',instance="2"}'): level(0, 30) for k in well(0)}),
    Case("PostgreSQL answers", well(30) | a_service("gatehouse_database_up", 1)),
    Case(
        "a caller waits now and then, and connections are counted",
        well(30)
        | {f'gatehouse_db_pool_wait_seconds_total{{service="{s.name}"}}': growing((6, 30)) for s in SERVICES}
        | {f'gatehouse_db_pool_timeouts_total{{service="{s.name}"}}': level(3, 30) for s in SERVICES},
    ),
    Case("the schema is new enough", well(30) | a_service("gatehouse_collections_unmet", 0)),
    Case(
        "one call of a hundred fails",
        well(30)
        | {
            f'gatehouse_client_requests_total{{service="{s.name}",target="other",outcome="{outcome}"}}': growing(
                (n, 30)
            )
            for s in SERVICES
            for outcome, n in (("2xx", 99), ("5xx", 1))
        },
    ),
    Case(
        "one build in two tasks",
        well(120)
        | {
            f'gatehouse_build_info{{service="{s.name}",version="1",commit="c",instance="{i}"}}': level(1, 120)
            for s in SERVICES
            for i in (1, 2)
        },
    ),
    Case(
        "descriptors, series, memory and processor are plenty",
        well(60)
        | a_service("process_open_fds", 40, 60)
        | a_service("process_max_fds", 1000, 60)
        | a_service("scrape_samples_scraped", 900, 60)
        | a_service("process_resident_memory_bytes", 100 * MIB, 60)
        | {f'process_cpu_seconds_total{{service="{s.name}"}}': growing((6, 60)) for s in SERVICES},
    ),
]


def expected(alert: Alert, says: dict[str, str]) -> list[dict]:
    """What promtool must see of one alert rule: its labels and words, rendered."""
    if alert.alert not in says:
        return []
    value = says[alert.alert]
    target = {"target": "other"} if "$labels.target" in alert.summary else {}
    services = [alert.labels["service"]] if "service" in alert.labels else [service.name for service in SERVICES]
    found = []
    for name in services:
        if "gatehouse_database_up" in alert.expr and CATALOG[name].database is None:
            continue
        labels = {"service": name, **target}
        words = re.sub(r"{{ \$labels\.(\w+) }}", lambda match, of=labels: of[match[1]], alert.summary)
        words = re.sub(r"{{ \$value[^}]*}}", value, words)
        found.append(
            {
                "exp_labels": {**labels, **alert.labels, "owner": alert.owner, "severity": alert.severity},
                "exp_annotations": {"summary": words, "runbook_url": alert.runbook_file},
            }
        )
    return found


def as_test(case: Case) -> dict:
    last = max(len(values) for values in case.series.values()) - 1
    checked = [name for name in NAMES if name in case.says or PAGES & {name} or not case.says]
    return {
        "name": case.name,
        "interval": f"{case.step}s",
        "input_series": [
            {"series": name, "values": " ".join(f"{value:.10g}" for value in values)}
            for name, values in case.series.items()
        ],
        "alert_rule_test": [
            {
                "eval_time": f"{last * case.step}s",
                "alertname": name,
                "exp_alerts": [one for alert in ALERTS if alert.alert == name for one in expected(alert, case.says)],
            }
            for name in checked
        ],
    }


NAMES = sorted({alert.alert for alert in ALERTS})
PAGES = {alert.alert for alert in ALERTS if alert.severity == "page"}


def run(cases: list[Case], folder: Path) -> None:
    """All at once: promtool's start costs more than most cases."""
    (folder / "rules.yaml").write_text(as_yaml(document(rule_groups(CATALOG))))
    for step in {case.step for case in cases}:
        tests = [as_test(case) for case in cases if case.step == step]
        interval = "15m" if step == STEP else "6h"
        content = {"rule_files": ["rules.yaml"], "evaluation_interval": interval, "tests": tests}
        (folder / f"test{step}.yaml").write_text(json.dumps(content))  # JSON is YAML
    done = promtool("test", "rules", *map(str, folder.glob("test*.yaml")))
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


def test_prometheus_reads_the_committed_rules():
    done = promtool("check", "rules", "--lint-fatal", str(ROOT / "observability/generated/rules.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_for_every_service_and_no_other_page_does(tmp_path: Path):
    run(FIRING, tmp_path)


def test_no_alert_fires_when_it_must_not(tmp_path: Path):
    run(SILENT, tmp_path)


def test_each_alert_has_a_case_in_which_it_fires():
    assert sorted({name for case in FIRING for name in case.says}) == NAMES


@pytest.mark.parametrize("cause", ["its database is away", "a service that it needs is down"])
def test_who_was_told_the_cause_is_not_told_the_symptom(tmp_path: Path, cause: str):
    series, says = well(90) | requests(growing((54, 90)), growing((6, 90))), {"DatabaseUnreachable": ""}
    if cause == "its database is away":
        series |= a_service("gatehouse_database_up", 0, 90)
    else:
        needed_by_all = [s.name for s in SERVICES if not s.uses.services]
        series |= {key: values for name in needed_by_all for key, values in down(name, 90).items()}
        says = {}
    quiet = Case(cause, series, says)
    test = as_test(quiet)
    test["alert_rule_test"] = [one for one in test["alert_rule_test"] if "Burns" in one["alertname"]]
    test["alert_rule_test"] = [one for one in test["alert_rule_test"] if one["alertname"] in PAGES]
    (tmp_path / "rules.yaml").write_text(as_yaml(document(rule_groups(CATALOG))))
    # Alerts read recordings of other services' groups, made up to one evaluation ago: below the lookback of 5 minutes.
    content = {"rule_files": ["rules.yaml"], "evaluation_interval": "4m", "tests": [test]}
    (tmp_path / "test.yaml").write_text(json.dumps(content))
    done = promtool("test", "rules", str(tmp_path / "test.yaml"))
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


def test_every_service_of_the_catalog_is_watched():
    for service in SERVICES:
        mine = {alert.alert for alert in ALERTS if alert.labels.get("service") == service.name}
        assert {"AvailabilityBurnsFast", "LatencyBurnsFast", "ServiceUnscraped"} <= mine


def test_a_job_has_no_requests_to_promise_anything_of(tmp_path: Path):
    folder = tmp_path / "services" / "sweep"
    folder.mkdir(parents=True)
    (folder / "service.toml").write_text('name = "sweep"\ndomain = "people"\nsummary = "Sweeps"\nkind = "job"\n')
    assert [group.name for group in rule_groups(load_catalog(tmp_path))] == ["gatehouse-platform"]


def test_alerts_name_an_owner_and_words():
    for alert in ALERTS:
        assert alert.owner in {*CATALOG.domains, "platform"}
        assert len(alert.summary) > 20
