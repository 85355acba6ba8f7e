"""Runner-minutes that a pull request and a merge cost, computed from the workflows' own jobs and steps.

GitHub bills each job, each instance of a matrix too, by the minute and rounds up (docs.github.com, "Actions runner
pricing"; public repositories pay nothing). So what costs is jobs, and what each installs before it begins.

Nothing has run at GitHub: ASSUMED is what each step is assumed to take on a standard runner. A step that isn't in it is
an error, so that a new one can't be free.
"""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML

FOLDER = Path(".github/workflows")
MERGE, PULL_REQUEST = "build.yml", "pull-request.yml"


class StepTime(msgspec.Struct, frozen=True):
    """Seconds of a step: for the first service, and for each further one. `why`: where the figure is from."""

    first: float
    further: float
    why: str


# By the action, or by the first words of the command; the longest that fits counts.
ASSUMED: Mapping[str, StepTime] = {
    "actions/checkout": StepTime(6, 0, "a clone with its history, of some 50 MB"),
    "astral-sh/setup-uv": StepTime(4, 0, "one download"),
    "docker/login-action": StepTime(2, 0, "one request"),
    "pulumi/actions": StepTime(6, 0, "one download, of 100 MB"),
    "aws-actions/configure-aws-credentials": StepTime(3, 0, "two requests"),
    "actions/attest": StepTime(8, 0, "one signature for all images of a build"),
    "actions/upload-artifact": StepTime(3, 0, "some kB"),
    ".ci/run install": StepTime(45, 0, "Debian packages: a minute on a laptop, downloads included"),
    "./local/gate": StepTime(25, 0, "the first call of a job installs the workspace: 13 s of processor, and downloads"),
    "./local/gate affected": StepTime(4, 0, "2 s of processor at most, by a test"),
    "./local/gate image build": StepTime(
        45,
        15,
        "24 s for an image and its database's on a quiet laptop (121 s at load 18), base and push; then shared layers",
    ),
    "./local/gate image unit-tests": StepTime(40, 15, "measured: 8 s of processor a service, at most"),
    "./local/gate image index": StepTime(6, 3, "requests to the registry"),
    "./local/gate way-in": StepTime(1, 0, "reads a file"),
    "./local/gate promote built": StepTime(
        350,
        8,
        "pulumi install 30, up with refresh 120, rollout 120, /version 30, black box 50; rollouts run side by side",
    ),
    "./local/gate deploy": StepTime(270, 0, "as promote built, without the suite"),
    "./local/gate check": StepTime(
        150, 25, "checks 60, a service's own tests; all tests take 8.5 minutes on two cores"
    ),
    "./local/gate test blackbox": StepTime(60, 0, "measured on two cores"),
    "./local/gate test journeys": StepTime(90, 0, "measured on two cores"),
}


class UnknownStep(Exception):
    """A workflow has a step whose time nobody assumed."""


class JobMinutes(msgspec.Struct, frozen=True):
    """A job's minutes as they are billed, all instances of its matrix together."""

    job: str
    instances: int
    minutes: int


def minutes(root: Path, workflow: str, services: int, *, deploy: bool = True) -> tuple[JobMinutes, ...]:
    """What a run costs that builds this many services; `deploy`: whether dev changes. Raises UnknownStep."""
    content = YAML(typ="safe", pure=True).load((root / FOLDER / workflow).read_text(encoding="utf-8"))
    facts = {"build": services > 0, "promote": services > 0, "deploy_needed": deploy or services > 0}
    found = []
    for name, job in content["jobs"].items():
        if not _runs(str(job.get("if", "")), facts):
            continue
        seconds = sum(_seconds(job["steps"], services, facts))
        instances = _instances(job.get("strategy", {}).get("matrix", {}), services)
        found.append(JobMinutes(name, instances, instances * math.ceil(seconds / 60)))
    return tuple(found)


def total(jobs: tuple[JobMinutes, ...]) -> int:
    return sum(job.minutes for job in jobs)


def _runs(condition: str, facts: Mapping[str, bool]) -> bool:
    """Whether a condition holds, as far as it asks for an output of `gate affected`; anything else is taken to hold."""
    asked = re.findall(r"outputs\.(\w+) == '(true|false)'", condition)
    return all(facts[name] == (value == "true") for name, value in asked if name in facts)


def _seconds(steps: list[Mapping[str, Any]], services: int, facts: Mapping[str, bool]) -> Iterator[float]:
    installed = False
    for step in steps:
        if not _runs(str(step.get("if", "")), facts):
            continue
        what = step.get("uses", "").partition("@")[0] or " ".join(step["run"].split())
        fits = [key for key in ASSUMED if what == key or what.startswith(f"{key} ")]
        if not fits or max(fits, key=len) == "./local/gate":
            raise UnknownStep(
                f"{what}: nobody assumed how long it takes. Fix: add it to ASSUMED in {Path(__file__).name}."
            )
        time = ASSUMED[max(fits, key=len)]
        yield time.first + time.further * max(0, services - 1)
        if "./local/gate" in fits and not installed:
            installed = True
            yield ASSUMED["./local/gate"].first


def _instances(matrix: Any, services: int) -> int:
    """How many jobs a matrix makes. One that is only known when it runs has a job a service."""
    if not isinstance(matrix, Mapping):
        return services
    sizes = [len(values) if isinstance(values, list) else services for values in matrix.values()]
    return math.prod(sizes)
