"""`gate jobs`: the jobs of the services of the platform on this machine, one of them at once, and what is never done.

In AWS nobody reaches a service's own port; there the portal's Admin has the same, on *Jobs*.
"""

import json
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from gatehouse_catalog import load_catalog
from gatehouse_local.cli.token_command import report_of, session_of
from gatehouse_local.cli.up_commands import location_of, root_option, state_option
from gatehouse_local.runner.platform_specs import Location
from gatehouse_local.runner.port_conflicts import Trouble

SECONDS = 5.0
OPERATOR = "sre"
NO_JOBS = 404


class ServiceJobs:
    """Asks the running services, as the persona sre."""

    def __init__(self, place: Location) -> None:
        report = report_of(place)
        self._token = session_of(OPERATOR, report)["access_token"]
        services = load_catalog(place.root).names
        self.urls = (
            {row.name: row.url for row in report.resources if row.url and row.name in services} if report else {}
        )

    def of(self, service: str) -> list[dict[str, Any]]:
        """Empty: it has none, or isn't running."""
        status, jobs = self._ask(f"{self.urls[service]}/jobs", "GET")
        return jobs if status == 200 and isinstance(jobs, list) else []

    def run(self, service: str, job: str) -> None:
        """Raises Trouble, with the service's own words where it refuses."""
        self._post(service, f"{job}/run")

    def discard(self, service: str, work: str, reason: str) -> None:
        """Raises Trouble, as `run`."""
        self._post(service, f"failing/{work}/discard", {"reason": reason})

    def _post(self, service: str, path: str, body: dict[str, str] | None = None) -> None:
        if service not in self.urls:
            raise Trouble(f"{service} isn't running. Running: {', '.join(sorted(self.urls))}.")
        status, answer = self._ask(f"{self.urls[service]}/jobs/{path}", "POST", body)
        if status >= 400:
            detail = answer.get("detail") if isinstance(answer, dict) else None
            raise Trouble(f"{service} has no jobs." if status == NO_JOBS and not detail else str(detail))

    def _ask(self, url: str, method: str, body: dict[str, str] | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, sent, headers, method=method)  # noqa: S310 - a loopback address
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310 - as above
                return response.status, _decoded(response.read())
        except urllib.error.HTTPError as error:
            return error.code, _decoded(error.read())
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return 503, None


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


@click.group()
def jobs() -> None:
    """Show the jobs of the running services, run one now, and discard work that fails."""


@jobs.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON, by service.")
@state_option
@root_option
def list_jobs(*, as_json: bool, state: Path | None, root: Path | None) -> None:
    """Show every job: its schedule, last and next run, and failures."""
    asked = ServiceJobs(location_of(root, state))
    found = {name: jobs for name in sorted(asked.urls) if (jobs := asked.of(name))}
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for service, all_of_it in found.items():
        click.echo(service)
        for job in all_of_it:
            for line in lines(job):
                click.echo(line)


def lines(job: dict[str, Any]) -> list[str]:
    """A job as text: its name and schedule, its runs, and what is wrong with it."""
    took = f" ({job['milliseconds']} ms)" if job["succeeded_at"] and job["milliseconds"] is not None else ""
    runs = "running now" if job["running_since"] else f"next {_shown(job['next_at'], 'when something is enqueued')}"
    found = [f"  {job['name']}, {job['schedule'] or 'no schedule'}"]
    found.append(f"    last {_shown(job['succeeded_at'], 'never')}{took}, {runs}")
    if job["waiting"]:
        found.append(f"    {job['waiting']} in its queue")
    if job["failures"]:
        found.append(f"    failed {job['failures']} times in a row: {job['last_error']}")
    for work in job.get("failing", []):
        found.append(f"    {work['id']}: {work['last_error']}")
        if work["discarded_at"]:
            found.append(f"      discarded {_shown(work['discarded_at'], '')}: {work['discarded_reason']}")
        else:
            found.append(f"      failed {work['failures']} times, tried again {_shown(work['due_at'], 'never')}")
    return found


def _shown(moment: str | None, otherwise: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M:%S}" if moment else otherwise


@jobs.command("run")
@click.argument("service")
@click.argument("job")
@state_option
@root_option
def run_job(service: str, job: str, *, state: Path | None, root: Path | None) -> None:
    """Make JOB of SERVICE due now; one of its tasks runs it at once."""
    ServiceJobs(location_of(root, state)).run(service, job)
    click.echo(f"{job} is due now. See how it went: gate jobs list")


@jobs.command()
@click.argument("service")
@click.argument("work")
@click.option("--reason", required=True, help="Why it is never done; kept with the work.")
@state_option
@root_option
def discard(service: str, work: str, *, reason: str, state: Path | None, root: Path | None) -> None:
    """Never do WORK of SERVICE, a piece of work that fails: its id is in `gate jobs list`."""
    ServiceJobs(location_of(root, state)).discard(service, work, reason)
    click.echo(f"{work} is discarded. {service} does it again only if it is enqueued again.")
