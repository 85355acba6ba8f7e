"""Alerts on causes: targets, database, pools, schema, size. Symptoms are in objectives.py and outside_alerts.py.

Only symptoms, and a service or database that is gone, page somebody.
"""

from collections.abc import Iterator

from gatehouse_catalog import Service
from gatehouse_observability import outside_alerts
from gatehouse_observability.outside_alerts import PLATFORM, SCRAPED
from gatehouse_observability.rules import Alert, Recording, RuleGroup

# With more, rendering /metrics blocks a service's event loop for over 20 ms (`gate bench observability`). Ours have
# fewer than a thousand.
MOST_SERIES = 3_500
MIB = 1024 * 1024
MOST_FAILURES = 3  # of a job in a row: with its pauses, three minutes
LONGEST_OVERDUE = 900  # seconds
MOST_STARTS = 7  # in half an hour
# Seconds that a transaction of any role may stay open: one that has written holds locks on what it wrote, one that only
# reads (a backup, a report) keeps vacuum from its work. Requests end within seconds.
LONGEST_WRITING, LONGEST_READING = 300, 1800


def groups() -> list[RuleGroup]:
    return [RuleGroup(name="gatehouse-platform", rules=[*_recordings(), *_of_all()])]


def _recordings() -> list[Recording]:
    return [
        Recording(
            record="service:db_pool_in_use:ratio",
            expr="sum by (service) (gatehouse_db_pool_connections - gatehouse_db_pool_idle)"
            " / (sum by (service) (gatehouse_db_pool_max) > 0)",
        ),
        Recording(
            record="service:db_pool_waiting:rate5m",
            expr="sum by (service) (rate(gatehouse_db_pool_wait_seconds_total[5m]))",
        ),
        Recording(
            record="service_target:client_errors:ratio_rate5m",
            expr=_failing_calls(),
        ),
    ]


def _failing_calls() -> str:
    """0, rather than no sample, where calls were made and none has failed."""
    calls = "gatehouse_client_requests_total"
    every = f"sum by (service, target) (rate({calls}[5m]))"
    failed = f'sum by (service, target) (rate({calls}{{outcome=~"5xx|timeout|unreachable|open"}}[5m]))'
    return f"({failed} or {every} * 0) / ({every} > 0)"


def _of_all() -> Iterator[Alert]:
    yield Alert(
        alert="Watchdog",
        expr="vector(1)",
        wait="0s",
        severity="heartbeat",
        owner=PLATFORM,
        summary="Always fires: where it is no longer received, no alert is",
        runbook="watchdog",
    )
    yield Alert(
        alert="ServiceDown",
        expr=f"max by (service) ({SCRAPED}) == 0",
        wait="2m",
        severity="page",
        owner=PLATFORM,
        summary="No task of {{ $labels.service }} answers the scrape",
        runbook="service-down",
    )
    yield Alert(
        alert="DatabaseUnreachable",
        expr="max by (service) (gatehouse_database_up) == 0",
        wait="1m",
        severity="page",
        owner=PLATFORM,
        summary="No task of {{ $labels.service }} reaches PostgreSQL",
        runbook="database-unreachable",
    )
    yield from _partly()
    yield from outside_alerts.alerts()
    yield from _jobs()
    yield from _of_events()
    yield Alert(
        alert="DatabasePoolFull",
        expr="service:db_pool_waiting:rate5m > 1 or sum by (service) (rate(gatehouse_db_pool_timeouts_total[5m])) > 0",
        wait="2m",
        severity="ticket",
        owner=PLATFORM,
        summary="Requests of {{ $labels.service }} wait for a database connection",
        runbook="database-pool-full",
    )
    # No service's: all of one database see the same transaction, and one ticket tells of it.
    age = "max(gatehouse_db_open_transaction_seconds"
    yield Alert(
        alert="TransactionOpen",
        expr=f'{age}{{kind="writing"}}) > {LONGEST_WRITING} or {age}{{kind="reading"}}) > {LONGEST_READING}',
        wait="1m",
        severity="ticket",
        owner=PLATFORM,
        summary="A transaction is open for {{ $value | humanizeDuration }}: others wait for its locks, or vacuum does",
        runbook="transaction-open",
    )
    yield Alert(
        alert="MigrationPending",
        expr="max by (service) (gatehouse_collections_unmet) > 0",
        wait="5m",
        severity="ticket",
        owner=PLATFORM,
        summary="{{ $labels.service }} needs {{ $value }} collections in a newer version than the database has",
        runbook="migration-pending",
    )
    yield Alert(
        alert="DependencyFailing",
        expr="service_target:client_errors:ratio_rate5m > 0.05",
        wait="5m",
        severity="ticket",
        owner=PLATFORM,
        summary="{{ $value | humanizePercentage }} of the calls of {{ $labels.service }} to {{ $labels.target }} fail",
        runbook="dependency-failing",
    )
    yield Alert(
        alert="VersionsMixed",
        expr="count by (service) (count by (service, version, commit) (gatehouse_build_info)) > 1",
        wait="1h",
        severity="ticket",
        owner=PLATFORM,
        summary="{{ $value }} builds of {{ $labels.service }} run side by side for an hour: a deploy is stuck",
        runbook="versions-mixed",
    )
    yield Alert(
        alert="FileDescriptorsShort",
        expr="max by (service) (process_open_fds / process_max_fds) > 0.8",
        wait="10m",
        severity="ticket",
        owner=PLATFORM,
        summary="{{ $labels.service }} has {{ $value | humanizePercentage }} of its file descriptors open",
        runbook="file-descriptors-short",
    )
    yield Alert(
        alert="TooManySeries",
        expr=f"max by (service) (scrape_samples_scraped) > {MOST_SERIES}",
        wait="15m",
        severity="ticket",
        owner=PLATFORM,
        summary="A task of {{ $labels.service }} exports {{ $value }} series: a label isn't bounded",
        runbook="too-many-series",
    )


def _of_events() -> Iterator[Alert]:
    """Of a consumer and a producer. One task of the consumer reads the feed, and shows these; the others are silent."""
    yield Alert(
        alert="EventsLate",
        expr="max by (service, producer) (gatehouse_events_lag_seconds) > 60",
        wait="5m",
        severity="ticket",
        owner=PLATFORM,
        summary="{{ $labels.service }} is {{ $value | humanizeDuration }} behind the events of {{ $labels.producer }}",
        runbook="events-late",
    )
    yield Alert(
        alert="EventsHeld",
        expr="max by (service, producer) (gatehouse_events_held_seconds) > 5",
        wait="2m",
        severity="ticket",
        owner=PLATFORM,
        summary="Events of {{ $labels.producer }} wait {{ $value | humanizeDuration }} for a transaction that is open",
        runbook="events-held",
    )
    yield Alert(
        alert="EventsParked",
        expr='max by (service, producer) (gatehouse_events_unhandled{state="parked"}) > 0',
        wait="1m",
        severity="ticket",
        owner=PLATFORM,
        summary="{{ $labels.service }} can't handle {{ $value }} events of {{ $labels.producer }}: look at them",
        runbook="events-parked",
    )


def _partly() -> Iterator[Alert]:
    """One task of several is gone, while the others answer: users may see nothing, and the next fault is an outage."""
    yield Alert(
        alert="TaskDown",
        expr=f"count by (service) ({SCRAPED} == 0) and on (service) max by (service) ({SCRAPED}) == 1",
        wait="10m",
        severity="ticket",
        owner=PLATFORM,
        summary="Tasks of {{ $labels.service }} don't answer the scrape ({{ $value }}); others do",
        runbook="task-down",
    )
    yield Alert(
        alert="TaskWithoutDatabase",
        expr="count by (service) (gatehouse_database_up == 0)"
        " and on (service) max by (service) (gatehouse_database_up) == 1",
        wait="5m",
        severity="ticket",
        owner=PLATFORM,
        summary="Tasks of {{ $labels.service }} don't reach PostgreSQL ({{ $value }}); others do",
        runbook="task-without-database",
    )
    # A new process is a new start time of the same series locally, and a new task with a series of its own in AWS. A
    # deployment of two replaces two.
    start = "process_start_time_seconds"
    yield Alert(
        alert="CrashLoop",
        expr=f"sum by (service) (changes({start}[30m])) + count by (service) (present_over_time({start}[30m]))"
        f" - count by (service) ({start}) > {MOST_STARTS}",
        wait="5m",
        severity="ticket",
        owner=PLATFORM,
        summary="{{ $labels.service }} has started {{ $value }} times in half an hour: it ends again and again",
        runbook="crash-loop",
    )


def _jobs() -> Iterator[Alert]:
    """Every task of a service says the same of its jobs: the queue is in its database."""
    yield Alert(
        alert="JobFailing",
        expr=f"max by (service, job) (gatehouse_job_failures) >= {MOST_FAILURES}",
        wait="1m",
        severity="ticket",
        owner=PLATFORM,
        summary="The job {{ $labels.job }} of {{ $labels.service }} has failed {{ $value }} times in a row",
        runbook="jobs",
    )
    yield Alert(
        alert="JobOverdue",
        expr=f"max by (service, job) (gatehouse_job_overdue_seconds) > {LONGEST_OVERDUE}",
        wait="5m",
        severity="ticket",
        owner=PLATFORM,
        summary="The job {{ $labels.job }} of {{ $labels.service }} is {{ $value | humanizeDuration }} late",
        runbook="jobs",
    )


def of_service(service: Service) -> list[Recording | Alert]:
    """Rules with a service's own figures. They are in its group, so that a new service changes no other group."""
    return [*_shares(service), _unscraped(service), _memory(service), _processor(service)]


def _shares(service: Service) -> list[Recording]:
    """A task's limits and scaling target as series, by which dashboards divide."""
    given = {
        "service:compute_processor:cores": service.compute.cpu / 1024,
        "service:compute_memory:bytes": service.compute.memory * MIB,
        "service:scaling_requests:per_minute": service.scaling.requests_per_task,
    }
    labels = {"service": service.name}
    return [Recording(record=record, expr=f"vector({value:.12g})", labels=labels) for record, value in given.items()]


def _unscraped(service: Service) -> Alert:
    return Alert(
        alert="ServiceUnscraped",
        expr=f'absent(up{{service="{service.name}"}}) and on () count({SCRAPED}) > 0',
        wait="5m",
        severity="page",
        owner=service.domain,
        summary=f"Nothing is known of {service.name}: it is scraped nowhere, so no other alert of it can fire",
        runbook="service-unscraped",
        labels={"service": service.name},
    )


def _memory(service: Service) -> Alert:
    limit = service.compute.memory
    return Alert(
        alert="MemoryShort",
        expr=f'max by (service) (process_resident_memory_bytes{{service="{service.name}"}}) > {limit * MIB * 9 // 10}',
        wait="10m",
        severity="ticket",
        owner=service.domain,
        summary=f"A task of {service.name} holds over 90% of its {limit} MiB; at 100% it is killed",
        runbook="memory-short",
        labels={"service": service.name},
    )


def _processor(service: Service) -> Alert:
    share = service.compute.cpu / 1024
    return Alert(
        alert="ProcessorShort",
        expr=f'avg by (service) (rate(process_cpu_seconds_total{{service="{service.name}"}}[5m])) > {share * 0.9:g}',
        wait="30m",
        severity="ticket",
        owner=service.domain,
        summary=f"The tasks of {service.name} use over 90% of their {share:g} vCPU for half an hour",
        runbook="processor-short",
        labels={"service": service.name},
    )
