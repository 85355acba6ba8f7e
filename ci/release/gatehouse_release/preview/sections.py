"""The sections of a preview, each found out for one service or for the environment.

What can't be found out becomes the section's note: a page with a hole that says so is better than none.
"""

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from gatehouse_release.git.checkout import Checkout, GitError
from gatehouse_release.git.files import stack_path
from gatehouse_release.model import Release, ReleaseChange
from gatehouse_release.preview import conclusions
from gatehouse_release.preview.files_at_commit import Files, NotKnown
from gatehouse_release.preview.openapi_diff import differences
from gatehouse_release.preview.page import (
    Api,
    DatabasePreview,
    Infrastructure,
    PlannedStep,
    ReleaseMove,
    SettingDifference,
    WayBack,
)

if TYPE_CHECKING:
    from gatehouse_db_manager import Configuration, Plan

# Beside its own folder: what every service's image is built from.
SHARED = ("services/chassis", "services/catalog")
IMAGES = ("services/Dockerfile", "uv.lock")
DATABASES = ("db-manager/types", "services/chassis/gatehouse_chassis/schema")
DIFF_SECONDS = 180
# Of what an update runs, beside the stack file: its program, and what services say of themselves.
PROGRAM = ("platform/gatehouse_platform", "observability/gatehouse_observability", "services/catalog")
DEPLOYED = (*PROGRAM, "services/*/service.toml")


class Sections:
    """`changes`: all of the promotion; a service that takes the place of another one is compared with that one."""

    def __init__(
        self,
        checkout: Checkout,
        files: Files,
        environ: Mapping[str, str],
        target: Mapping[str, Any],
        changes: Mapping[str, ReleaseChange] = MappingProxyType({}),
    ) -> None:
        self._changes = changes
        self._checkout = checkout
        self._files = files
        self._environ = dict(environ)
        self._target = target

    def move(self, service: str, change: ReleaseChange) -> ReleaseMove:
        before, after = change.before, change.after
        move: dict[str, Any] = {
            "service": service,
            "before": before.tag if before else "",
            "after": after.tag if after else "",
            "before_digest": before.digest if before else "",
            "after_digest": after.digest if after else "",
        }
        if before is None or after is None:
            return ReleaseMove(**move, note="its first release here" if after else "it is taken away")
        if not (before.commit and after.commit):
            return ReleaseMove(**move, note="a release doesn't say from which commit it was built", unknown=True)
        paths = (f"services/{service}", *SHARED, *IMAGES, *DATABASES)
        try:
            came = self._log(f"{before.commit}..{after.commit}", paths)
            went = self._log(f"{after.commit}..{before.commit}", paths)
        except GitError as error:
            note = f"its commits aren't known here: {error}. Fix: git fetch (fetch-depth 0)"
            return ReleaseMove(**move, note=note, unknown=True)
        note = f"takes back {len(went)} commit{'s' if len(went) > 1 else ''}, listed here" if went else ""
        return ReleaseMove(**move, commits=went or came, note=note)

    def _log(self, span: str, paths: Iterable[str]) -> Any:
        form = f"--format={conclusions.LOG_FORMAT}"
        return conclusions.commits(self._checkout.git("log", form, "--end-of-options", span, "--", *paths))

    def settings(self, service: str, change: ReleaseChange) -> list[SettingDifference]:
        if change.after is None:
            return []
        try:
            before = self._files.toml(change.before.commit, service) if change.before else None
            after = self._files.toml(change.after.commit, service)
        except NotKnown as error:
            return [SettingDifference(service=service, key="(any)", what="not known", detail=str(error))]
        return list(conclusions.settings(service, before, after or {}, self._target))

    def api(self, service: str, change: ReleaseChange) -> Api | None:
        """None where there is none to compare, or no code that makes it has changed."""
        before, after = change.before, change.after
        if before is None or after is None:
            return None
        try:
            if (self._files.toml(after.commit, service) or {}).get("kind", "api") != "api":
                return None
            if self._files.same(before.commit, after.commit, f"services/{service}", *SHARED):
                return None
            found = differences(*(self._files.document(one.commit, service) for one in (before, after)))
        except (NotKnown, GitError) as error:
            return Api(service=service, note=f"not compared: {error}")
        return Api(service=service, differences=found) if found else None

    def database(self, service: str, change: ReleaseChange) -> DatabasePreview | None:
        """None where nothing of the database changes."""
        if change.after is None:
            return None
        try:
            plan = self._plan(service, *self._before(service, change), change.after)
        except NotKnown as error:
            return DatabasePreview(service=service, note=f"not planned: {error}", unknown=True)
        if plan is None or (plan.empty and not plan.refusals):
            return None
        steps = [
            PlannedStep(
                what=one.what,
                why=one.why,
                locks=one.locks,
                phase=one.phase,
                reversible=one.reversible,
                hazards=tuple(f"{hazard.danger}: {hazard.why}" for hazard in one.hazards),
            )
            for one in plan.steps
        ]
        versions = {one.collection: (one.before, one.after) for part in plan.schemas for one in part.versions}
        dropped = {name: ("", "") for part in plan.schemas for name in part.dropped}
        return DatabasePreview(
            service=service,
            versions=versions | dropped,
            steps=tuple(steps),
            fingerprint=plan.fingerprint,
            dangers=tuple(f"{hazard.danger}: {hazard.why}" for hazard in plan.hazards),
            refusals=tuple(f"{one.file} {one.key}: {one.message}" for one in plan.refusals),
            note="Planned from the files of both commits, with rows in every table; how many, only the database knows.",
        )

    def way_back(self, service: str, change: ReleaseChange) -> WayBack:
        before, after = change.before, change.after
        if after is None:
            return WayBack(service=service, possible=True, why="it stays in the registry")
        try:
            name, before = self._before(service, change)
            toml = self._files.toml(before.commit, name) if before else None
            plan = self._plan(service, name, before, after)
            collections = after.collections or self._collections(after, service)
        except NotKnown as error:
            return WayBack(service=service, possible=False, why=f"nobody knows: {error}")
        contracts = [one.what for one in plan.steps if one.phase == "contract"] if plan and before else []
        return conclusions.way_back(service, toml, collections, contracts)

    def return_to(self, service: str, change: ReleaseChange) -> WayBack:
        """Whether the older code that a rollback brings back can live with today's schema."""
        after = change.after
        try:
            name, before = self._before(service, change)
            if before is None or after is None:
                return WayBack(service=service, possible=True, why="no older code comes back")
            toml = self._files.toml(after.commit, service)
            collections = before.collections or self._collections(before, name)
        except NotKnown as error:
            return WayBack(service=service, possible=False, why=f"nobody knows: {error}")
        return conclusions.way_back(service, toml, collections, [])

    def _before(self, service: str, change: ReleaseChange) -> tuple[str, Release | None]:
        """The release that this one follows, and its service's name: a service that was renamed follows its former
        self, which has the same schema and leaves as it comes. Raises NotKnown."""
        if change.before or change.after is None:
            return service, change.before
        schema = _schema(self._files.toml(change.after.commit, service))
        for name, other in self._changes.items():
            leaves = other.before if other.after is None else None
            if schema and leaves and _schema(self._files.toml(leaves.commit, name)) == schema:
                return name, leaves
        return service, None

    def _plan(self, service: str, was: str, before: Release | None, after: Release) -> "Plan | None":
        """From the schema of one release (of the service called `was`) to that of the other; None for a service without
        one, and where no file of it has changed. Raises NotKnown."""
        schema = _schema(self._files.toml(after.commit, service))
        if schema is None:
            return None
        had = before is not None and _schema(self._files.toml(before.commit, was)) == schema
        if before and had and was == service and self._same_database(service, before, after):
            return None
        from gatehouse_db_manager import Configuration, plan_between  # noqa: PLC0415 - psycopg is loaded when needed

        new = self._configuration(after.commit, schema)
        old = self._configuration(before.commit, schema) if before and had else Configuration(root=new.root, schemas=())
        return plan_between(old, new)

    def _same_database(self, service: str, before: Release, after: Release) -> bool:
        try:
            return self._files.same(before.commit, after.commit, f"services/{service}/database", *DATABASES)
        except GitError as error:
            raise NotKnown(str(error)) from error

    def _configuration(self, commit: str, schema: str) -> "Configuration":
        from gatehouse_db_manager import ConfigurationError, load  # noqa: PLC0415 - as above

        try:
            return load(self._files.at(commit), [schema])
        except ConfigurationError as error:
            raise NotKnown(f"the configuration at {commit[:12]} is wrong: {error}") from error

    def _collections(self, release: Release, service: str) -> dict[str, str]:
        schema = _schema(self._files.toml(release.commit, service))
        if schema is None:
            return {}
        return {
            collection.name: collection.version_text
            for one in self._configuration(release.commit, schema).schemas
            for collection in one.collections
        }

    def infrastructure(self, environment: str, revision: str, gate: Sequence[str]) -> Infrastructure:
        """What came to main since this environment's stack file was last written: nothing, mostly.

        `gate`: the command that compares.
        """
        path = stack_path(environment)
        try:
            last = self._checkout.git("log", "-1", "--format=%H", "--end-of-options", revision, "--", path)
        except GitError as error:
            return Infrastructure(note=f"not compared: {error}")
        try:
            if not last or self._files.same(last, revision, *DEPLOYED, path):
                return Infrastructure()
            program = not self._files.same(last, revision, *PROGRAM)
        except GitError as error:
            return Infrastructure(note=f"not compared: {error}")
        root = self._checkout.root
        spans = (f"{environment}@{last}", f"{environment}@{revision}")
        command = [*gate, "stack", "diff", *spans, "--as-released", "--json"]
        found = compared(command, root, self._environ)
        if program and not found.note:
            note = "Main's program (platform/, observability/) changed, too; this shows what the files say."
            return msgspec.structs.replace(found, note=f"{note} All of it: pulumi preview -s {environment}")
        return found


def compared(command: list[str], root: Path, environ: Mapping[str, str]) -> Infrastructure:
    """What `gate stack diff --json` says. The platform isn't imported: it is another part, and 270 MB."""
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command,
            cwd=root,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=DIFF_SECONDS,
        )
        found = json.loads(done.stdout) if done.returncode == 0 else {}
    except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        return Infrastructure(note=f"not compared: {error}")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        return Infrastructure(note=f"not compared: gate stack diff: {last}")
    return Infrastructure(
        added=_names(found.get("added", ()), lambda one: ""),
        removed=_names(found.get("removed", ()), lambda one: ""),
        changed=_names(found.get("changed", ()), lambda one: ": " + ", ".join(part["path"] for part in one["changes"])),
    )


def _names(resources: Iterable[Mapping[str, Any]], more: Callable[[Mapping[str, Any]], str]) -> tuple[str, ...]:
    return tuple(f"{str(one['type']).rpartition(':')[2]} {one['name']}{more(one)}" for one in resources)


def _schema(toml: Mapping[str, Any] | None) -> str | None:
    return ((toml or {}).get("database") or {}).get("schema")
