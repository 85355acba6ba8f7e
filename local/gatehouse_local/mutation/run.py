"""`gate mutate`: changes one thing at a time in the parts where a mistake costs most, and looks whether a test notices.

Of each part a sample of its mutants, always the same one. What was tried is kept in `.gate/mutate`, so that a run may
stop and the next one continues; a result counts as long as the part's code and tests stay as they are. A mutant that no
test kills must stand in survivors.toml with the reason why that is right.
"""

import hashlib
import os
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import click
import msgspec

from gatehouse_local.mutation import trial
from gatehouse_local.mutation.mutants import Mutant, mutants
from gatehouse_local.mutation.trial import Baseline, TestRun

SURVIVORS = Path("local/gatehouse_local/mutation/survivors.toml")
MOST_SURVIVORS = 0.05  # of all that were tried
COUNT = 300
SEED = 1
KEPT = Path(".gate/mutate")
DROP_EVERY = 20  # mutants, after which the databases that their tests left are dropped


class MutatedPart(msgspec.Struct, frozen=True):
    """Code to mutate, and the tests that are to notice; both are paths from the checkout's root."""

    name: str
    code: tuple[str, ...]
    tests: tuple[str, ...]
    without: tuple[str, ...] = ()


RELEASE, MANAGER = "ci/release/gatehouse_release", "db-manager/gatehouse_db_manager"
PARTS = (
    MutatedPart(
        name="promotion",
        code=tuple(
            f"{RELEASE}/{name}.py"
            for name in ("case", "change_set", "decisions", "holds", "lineage", "outcomes", "promoter", "rules")
        ),
        tests=("ci/release/tests",),
        without=("ci/release/tests/adapters", "ci/release/tests/preview", "ci/release/tests/git"),
    ),
    MutatedPart(
        name="planner",
        code=(f"{MANAGER}/planning/*.py",),
        tests=("db-manager/tests/planning", "db-manager/tests/test_offline_plan.py", "db-manager/tests/test_cases.py"),
        without=("db-manager/tests/planning/test_generated.py",),
    ),
    MutatedPart(
        name="auth",
        code=("services/chassis/gatehouse_chassis/http/auth.py", "services/chassis/gatehouse_chassis/http/guards.py"),
        tests=("services/chassis/tests",),
        without=("services/chassis/tests/test_serve.py", "services/chassis/tests/data"),
    ),
)


class Tried(msgspec.Struct):
    """`killed_by`: the test that failed; "" for a survivor. `state` is of the file and its tests, then."""

    name: str
    part: str
    killed_by: str
    tests: int
    state: str


def run(root: Path, names: Sequence[str], *, count: int, minutes: float) -> int:
    """Tries what isn't tried yet; 1 when the sample isn't done, too many survive, or one isn't explained."""
    unknown = set(names) - {part.name for part in PARTS}
    if unknown:
        raise click.BadParameter(f"{', '.join(sorted(unknown))}: not one of {', '.join(part.name for part in PARTS)}.")
    parts = [part for part in PARTS if not names or part.name in names]
    deadline = time.monotonic() + minutes * 60
    sample = chosen(root, count)
    kept = _Kept(root / KEPT / "tried.jsonl")
    found: list[Tried] = []
    left = 0
    for part in parts:
        mine = [mutant for owner, mutant in sample if owner == part.name]
        state = _state(root, part)
        known = [kept.known(mutant, state) for mutant in mine]
        todo = [mutant for mutant, one in zip(mine, known, strict=True) if one is None]
        found += [one for one in known if one is not None]
        for tried in _try(root, part, todo, state, deadline) if todo else ():
            kept.add(tried)
            found.append(tried)
            click.echo(f"{'killed  ' if tried.killed_by else 'SURVIVED'} {tried.name}")
        left += len(mine) - sum(one.part == part.name for one in found)
    return report(found, left, _explained(root))


def chosen(root: Path, count: int) -> list[tuple[str, Mutant]]:
    """The sample: the name of each mutant's part, and the mutant; as many of each part."""
    sample = []
    for part in PARTS:
        every = [
            mutant
            for pattern in part.code
            for path in sorted(root.glob(pattern))
            for mutant in mutants(str(path.relative_to(root)), path.read_text(encoding="utf-8"))
        ]
        # By a digest of the name, so that a change of the code replaces few of the chosen.
        every.sort(key=lambda mutant: hashlib.sha256(f"{SEED} {mutant.name}".encode()).digest())
        sample += [(part.name, mutant) for mutant in every[: count // len(PARTS)]]
    return sample


def report(found: Sequence[Tried], left: int, explained: dict[str, str]) -> int:
    survivors = [one for one in found if not one.killed_by]
    share = len(survivors) / len(found) if found else 0.0
    click.echo(f"\n{len(found)} mutants tried, {len(survivors)} survived ({share:.1%}).")
    for one in survivors:
        click.echo(f"  {one.name}\n    {explained.get(one.name, 'NOT EXPLAINED')}")
    problems = []
    if left:
        problems.append(f"{left} mutants of the sample aren't tried yet. Run it again: it continues.")
    if share > MOST_SURVIVORS:
        problems.append(f"More than {MOST_SURVIVORS:.0%} survive. Fix: write tests that notice.")
    if nameless := [one.name for one in survivors if one.name not in explained]:
        problems.append(f"{len(nameless)} aren't in {SURVIVORS}. Fix: write tests that notice, or say there why not.")
    dead = explained.keys() & {one.name for one in found if one.killed_by}
    problems += [f"{SURVIVORS}: {name}: a test kills it. Fix: remove it." for name in sorted(dead)]
    for problem in problems:
        click.echo(problem, err=True)
    return 1 if problems else 0


def _explained(root: Path) -> dict[str, str]:
    content = tomllib.loads((root / SURVIVORS).read_text(encoding="utf-8"))
    return {one["mutant"]: one["reason"] for one in content.get("survivor", [])}


def _try(root: Path, part: MutatedPart, todo: Sequence[Mutant], state: str, deadline: float) -> Iterator[Tried]:
    from gatehouse_local.testing.pytest_plugin import SHARED_FOLDER, USED, Postgres  # noqa: PLC0415 - slow
    from gatehouse_local.testing.shared_process import shared  # noqa: PLC0415

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ[SHARED_FOLDER] = str(folder)
        facts = stack.enter_context(shared(folder, "postgres"))
        known = _baseline(root, part, state)
        trial.preload(known.libraries)
        for number, mutant in enumerate(todo, 1):
            if time.monotonic() > deadline:
                return
            tests = covering(mutant, known.runs)
            killed_by = trial.dies(root, mutant, tests) if tests else ""
            yield Tried(name=mutant.name, part=part.name, killed_by=killed_by, tests=len(tests), state=state)
            if number % DROP_EVERY == 0:
                with closing(Postgres(facts["url"], folder)) as postgres:
                    for name in postgres.databases(USED):
                        postgres.drop_database(name)


def covering(mutant: Mutant, runs: Sequence[TestRun]) -> list[TestRun]:
    """Those that run its lines, the quickest first; for what runs at import only, those that run any of its file."""
    passed, lines = [one for one in runs if one.passed], set(mutant.lines)
    reached = (
        [one for one in passed if lines.intersection(one.lines.get(mutant.file, ()))] if mutant.in_function else []
    )
    reached = reached or [one for one in passed if mutant.file in one.lines] or passed
    return sorted(reached, key=lambda one: one.seconds)


def _baseline(root: Path, part: MutatedPart, state: str) -> Baseline:
    kept = root / KEPT / f"{part.name}.json"
    if kept.exists():
        content = msgspec.json.decode(kept.read_bytes())
        if content["state"] == state:
            return msgspec.convert(content["baseline"], Baseline)
    files = sorted(str(path.relative_to(root)) for pattern in part.code for path in root.glob(pattern))
    click.echo(f"{part.name}: running its tests on the code as it is ...")
    found = trial.baseline(root, files, [*part.tests, *(f"--ignore={path}" for path in part.without)])
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(msgspec.json.encode({"state": state, "baseline": found}))
    failed = [one.test for one in found.runs if not one.passed]
    click.echo(f"{part.name}: {len(found.runs)} tests, {len(failed)} of them failed or were skipped")
    return found


def _state(root: Path, part: MutatedPart) -> str:
    digest = hashlib.sha256()
    patterns = [*part.code, *(f"{test}/**/*.py" if not test.endswith(".py") else test for test in part.tests)]
    for pattern in patterns:
        for path in sorted(root.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class _Kept:
    """What was tried before: a line of JSON for each mutant, the latest counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_bytes().splitlines() if path.exists() else []
        self._tried = {one.name: one for one in (msgspec.json.decode(line, type=Tried) for line in lines)}

    def known(self, mutant: Mutant, state: str) -> Tried | None:
        one = self._tried.get(mutant.name)
        return one if one and one.state == state else None

    def add(self, tried: Tried) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(tried) + b"\n")
