"""The metrics of a service's jobs: how often they ran, how long, and what this task last saw of their queue."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

OUTCOMES = ("succeeded", "failed", "lost", "stopped")


class SeenJob(Protocol):
    """What is exported of a job."""

    @property
    def name(self) -> str: ...
    @property
    def overdue_seconds(self) -> float: ...
    @property
    def failures(self) -> int: ...
    @property
    def waiting(self) -> int: ...


class JobMetrics(Collector):
    """Of one service. Runs are of this task; overdue, failures and waiting are the same in all of them."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._runs: dict[tuple[str, str], int] = {}
        self._seconds: dict[str, float] = {}
        self._seen: Sequence[SeenJob] = ()

    def ended(self, name: str, outcome: str, seconds: float) -> None:
        """Count one run; `outcome` is one of OUTCOMES."""
        self._runs[name, outcome] = self._runs.get((name, outcome), 0) + 1
        self._seconds[name] = self._seconds.get(name, 0.0) + seconds

    def saw(self, jobs: Sequence[SeenJob]) -> None:
        """Keep what the queue holds."""
        self._seen = jobs

    def collect(self) -> Iterable[Metric]:
        runs = CounterMetricFamily(
            "gatehouse_job_runs", "Runs of jobs that ended, by how", labels=["service", "job", "outcome"]
        )
        for (name, outcome), count in self._runs.items():
            runs.add_metric([self._service, name, outcome], count)
        yield runs
        seconds = CounterMetricFamily("gatehouse_job_run_seconds", "Time that jobs ran", labels=["service", "job"])
        for name, total in self._seconds.items():
            seconds.add_metric([self._service, name], total)
        yield seconds
        for attribute, text in (
            ("overdue_seconds", "How long the job has been due without running"),
            ("failures", "Failures of the job since it last succeeded; of its queue, the most of one piece of work"),
            ("waiting", "Pieces of work in the job's queue"),
        ):
            gauge = GaugeMetricFamily(f"gatehouse_job_{attribute}", text, labels=["service", "job"])
            for job in self._seen:
                gauge.add_metric([self._service, job.name], getattr(job, attribute))
            yield gauge
