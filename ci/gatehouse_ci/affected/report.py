"""What `gate affected` compares and prints: text, JSON, or a workflow's outputs.

A build may have failed or been cancelled. Comparing main with the previous commit would then miss a service for good,
so a build compares each service with the commit that its release was built from (`since_release`).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gatehouse_catalog import load_catalog
from gatehouse_catalog.releases import ENVIRONMENTS
from gatehouse_ci.affected.decide import Affected, House, affected
from gatehouse_ci.affected.runner_minutes import FOLDER, MERGE, PULL_REQUEST, minutes, total
from gatehouse_ci.affected.uv_lock import Lock
from gatehouse_ci.affected.working_tree import GitError, WorkingTree
from gatehouse_release.git.files import stack_config, stack_path, tree_at
from gatehouse_release.state import read_state

RELEASES = "gatehouse:releases"
SHOWN = 3  # reasons a line; --json has all


def look(root: Path, revision: str | None = None, *, everything: bool = False) -> Affected:
    """What differs from a revision (default: where this branch left origin's main), and what that affects."""
    checkout = WorkingTree(root)
    base = None if everything else checkout.base(revision)
    return affected(_house(root), checkout.changes(base), lambda path: _now(root, path))


def since_release(root: Path, environment: str) -> Affected:
    """What differs from what is released to an environment, each service compared with its own release.

    Raises PortFailed when the stack file isn't YAML.
    """
    checkout, house = WorkingTree(root), _house(root)
    commits = released(root, environment)
    bases = {service.name: checkout.commit(commits.get(service.name) or "-") for service in house.services.values()}
    since = {base: _since(checkout, house, environment, base) for base in {*bases.values()} if base}
    answer = Affected(f"what is released to {environment}")
    for name, base in bases.items():
        if base is None:
            why = f"its release in {environment} names a commit that isn't in this checkout's history"
            answer.images[name] = [why if commits.get(name) else f"it has no release in {environment} yet"]
            answer.deploy += answer.images[name]
            continue
        answer.deploy += since[base].deploy
        answer.everything += since[base].everything
        for ours, theirs in ((answer.images, since[base].images), (answer.databases, since[base].databases)):
            ours.update({name: theirs[name]} if name in theirs else {})
    left = f"it left the catalog and is still released to {environment}"
    answer.removed = {name: [left] for name in commits if f"gatehouse-{name}" not in house.services}
    for name, why in held(checkout, environment).items():
        if name in answer.services or name in answer.removed:
            answer.removed.pop(name, None)
            answer.images.pop(name, None)
            answer.databases.pop(name, None)
            answer.held[name] = why
    answer.deploy = list(dict.fromkeys(answer.deploy))
    answer.everything = list(dict.fromkeys(answer.everything))
    answer.paths = tuple(sorted({path for one in since.values() for path in one.paths}))
    return answer


def _since(checkout: WorkingTree, house: House, environment: str, base: str) -> Affected:
    """What differs from one release. Nothing, when the release is newer: an older commit is never built over it."""
    if checkout.has(base, "HEAD"):
        return Affected(base)
    changes = checkout.changes(base)
    paths = tuple(path for path in changes.paths if not _about_releases(checkout, base, path, environment))
    return affected(house, replace(changes, paths=paths), lambda path: _now(checkout.root, path))


def _about_releases(checkout: WorkingTree, base: str, path: str, environment: str) -> bool:
    """Whether a file below stacks/ changed nothing for this environment but which releases run where."""
    stack = re.fullmatch(r"stacks/Pulumi\.(\w+)\.yaml", path)
    if path.startswith("stacks/releases/") or (stack and stack[1] in ENVIRONMENTS and stack[1] != environment):
        return True
    if not stack:
        return False
    texts = {path: checkout.text(base, path) or ""}
    before, now = stack_config(texts, stack[1]), stack_config(checkout.root, stack[1])
    return {**before, RELEASES: None} == {**now, RELEASES: None}


def released(root: Path, environment: str) -> Mapping[str, str]:
    """The commit of each service's release in an environment, read from origin's main, else from the files at hand.

    While a build waits for another one, that one's releases are on main already, but not in this checkout.
    Raises PortFailed when the stack file isn't YAML.
    """
    text = WorkingTree(root).text("origin/main", stack_path(environment))
    config = stack_config(root if text is None else {stack_path(environment): text}, environment)
    releases = config.get(RELEASES) or {}
    return {service: str(release.get("commit", "")) for service, release in releases.items()}


def held(checkout: WorkingTree, environment: str) -> dict[str, list[str]]:
    """The services whose build of HEAD a hold would keep out of the environment, as origin's main says; and why.

    What HEAD contains is read from this checkout's history; where that isn't known, the hold counts.
    """
    if checkout.commit("origin/main") is None:
        return {}
    found: dict[str, list[str]] = {}
    for hold in read_state("origin/main", tree_at(checkout, "origin/main")).holds(environment):
        whole = not hold.digest
        if whole or (hold.commit and contains(checkout, "HEAD", hold.commit) is not False):
            what = "held" if whole else f"held with all that is built from {hold.commit[:12]}"
            lift = f"gate promote lift {environment} --record {hold.id}"
            found.setdefault(hold.service, []).append(f"{what} by {hold.by}: {hold.reason}. Once it is fixed: {lift}")
    return found


def contains(checkout: WorkingTree, commit: str, other: str) -> bool | None:
    """Whether a commit's history contains another, or is just that; None where it isn't known here."""
    if checkout.commit(other) is None:
        return None
    return checkout.commit(commit) == checkout.commit(other) or checkout.has(commit, other)


def as_json(answer: Affected, root: Path) -> dict[str, Any]:
    return {
        "base": answer.base,
        "changed": list(answer.paths),
        "images": answer.images,
        "databases": answer.databases,
        "tests": answer.tests,
        "deploy": answer.deploy,
        "everything": answer.everything,
        "nothing": answer.nothing,
        "removed": answer.removed,
        "held": answer.held,
        "runner_minutes": runner_minutes(answer, root),
        **outputs(answer, root),
    }


def runner_minutes(answer: Affected, root: Path) -> dict[str, int]:
    """What the change costs by the computation of affected/runner_minutes.py; empty without workflows."""
    if not (root / FOLDER / MERGE).is_file():
        return {}
    count, deploy = len(answer.services), bool(answer.deploy or answer.removed)
    return {
        "pull request": total(minutes(root, PULL_REQUEST, count, deploy=deploy)),
        "merge": total(minutes(root, MERGE, count, deploy=deploy)),
    }


def outputs(answer: Affected, root: Path) -> dict[str, Any]:
    """The outputs for a workflow: whether to build, promote and deploy, the services to build, and their tag."""
    return {
        "services": answer.services,
        "services_words": " ".join(answer.services),
        "build": bool(answer.services),
        "promote": bool(answer.services or answer.removed),
        "deploy_needed": bool(answer.services or answer.removed or answer.deploy),
        "tag": tag_of(WorkingTree(root)),
    }


def tag_of(checkout: WorkingTree) -> str:
    """The tag of what is built from HEAD, such as v2026.11.23-1a2b3c4d: its day (UTC) and its commit."""
    if checkout.commit("HEAD") is None:
        return ""
    day, commit = checkout.git(
        "log", "-1", "--format=%cd %H", "--date=format-local:%Y.%m.%d", env={"TZ": "UTC"}
    ).split()
    return f"v{day}-{commit[:8]}"


def for_people(answer: Affected, expense: Mapping[str, int] | None = None) -> str:
    lines = [_compared(answer)]
    lines += _part("Images to build", answer.images)
    lines += _part("Database images to build", answer.databases)
    lines += _part("To take away", answer.removed)
    lines += _part("Held, so not built", answer.held)
    lines += _part("Tests to run", answer.tests)
    lines += _part("Environments", {"to deploy": answer.deploy} if answer.deploy else {})
    if not (answer.services or answer.tests or answer.deploy):
        lines.append("Nothing is affected.")
    if expense:
        lines.append(
            "Runner-minutes at GitHub, computed: " + ", ".join(f"{one} {count}" for one, count in expense.items())
        )
    return "\n".join(lines)


def _compared(answer: Affected) -> str:
    if answer.base is None:
        return "Compared with nothing."
    base = answer.base if " " in answer.base else answer.base[:12]
    return f"{differ(answer)} from {base}."


def differ(answer: Affected) -> str:
    return "1 file differs" if len(answer.paths) == 1 else f"{len(answer.paths)} files differ"


def _part(title: str, what: Mapping[str, list[str]]) -> list[str]:
    """One line for everything affected for the same reasons."""
    together: dict[str, list[str]] = {}
    for name, reasons in sorted(what.items()):
        together.setdefault(_reasons(reasons), []).append(name)
    lines = [line for why, names in together.items() for line in (f"  {', '.join(names)}", f"      {why}")]
    return [title, *lines] if lines else []


def _reasons(reasons: list[str]) -> str:
    more = f" (and {len(reasons) - SHOWN} more)" if len(reasons) > SHOWN else ""
    return "; ".join(reasons[:SHOWN]) + more


def _house(root: Path) -> House:
    return House(load_catalog(root), Lock(_now(root, "uv.lock")))


def _now(root: Path, path: str) -> str:
    try:
        return (root / path).read_text(encoding="utf-8")
    except OSError as error:
        raise GitError(f"{path} can't be read: {error}. Fix: git checkout -- {path}") from error
