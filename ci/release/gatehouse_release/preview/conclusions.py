"""What a preview concludes, from what the files of two commits say. Pure: parsed files in, sections out."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from gatehouse_release.model import DangerousPlan, Reason
from gatehouse_release.preview.page import Commit, DatabasePreview, ReleaseMove, SettingDifference, WayBack
from gatehouse_release.state import RepositoryState

# `Merge pull request #12 from …` and, squashed, `Add a button (#12)`.
PULL_REQUEST = re.compile(r"^Merge pull request #(\d+)\b|\(#(\d+)\)$")
# The address of a commit that was made on GitHub by somebody who hides theirs.
NO_REPLY = re.compile(r"(?:\d+\+)?([\w-]+(?:\[bot\])?)@users\.noreply\.github\.com")
# Fields and commits apart, by characters that no subject has.
LOG_FORMAT = "%H%x1f%s%x1f%an%x1f%ae%x1f%aI"
Toml = Mapping[str, Any]


def commits(log: str) -> tuple[Commit, ...]:
    """What `git log --format=LOG_FORMAT` printed."""
    return tuple(_commit(line) for line in log.splitlines() if line)


def _commit(line: str) -> Commit:
    commit, subject, by, mail, at = line.split("\x1f")
    named = PULL_REQUEST.search(subject)
    number = int(named[1] or named[2]) if named else None
    at_time = datetime.fromisoformat(at)
    return Commit(id=commit, subject=subject, by=by, mail=mail, at=at_time, pull_request=number)


def authors(moves: Iterable[ReleaseMove]) -> dict[str, frozenset[str]]:
    """By service, the names under which a policy may know whoever wrote its commits: mail address, GitHub login."""
    return {move.service: frozenset(name for one in move.commits for name in _names(one.mail)) for move in moves}


def _names(mail: str) -> Iterator[str]:
    yield mail
    if hidden := NO_REPLY.fullmatch(mail):
        yield hidden[1]


def settings(service: str, before: Toml | None, after: Toml, target: Toml) -> Iterator[SettingDifference]:
    """Keys that come, go, change or have no value. `target`: the environment's stack configuration."""
    old: Toml = (before or {}).get("settings") or {}
    new: Toml = after.get("settings") or {}
    choice = ((target.get("gatehouse:services") or {}).get(service)) or {}
    values, ways = choice.get("settings") or {}, choice.get("secrets") or {}
    for key in sorted(old.keys() | new.keys() | values.keys() | ways.keys()):
        if key not in new:
            if key in old:
                yield SettingDifference(service=service, key=key, what="removed")
            if key in values or key in ways:
                detail = "the stack file still sets it: an update will refuse that. Fix: take it out there."
                yield SettingDifference(service=service, key=key, what="unknown", detail=detail)
            continue
        if key not in old and before is not None:
            yield SettingDifference(service=service, key=key, what="added", detail=_described(new[key]))
        elif key in old and _shape(old[key]) != _shape(new[key]):
            detail = f"was {_described(old[key])}, is {_described(new[key])}"
            yield SettingDifference(service=service, key=key, what="changed", detail=detail)
        secret = bool(new[key].get("secret"))
        if missing := _missing(key, new[key], values, ways):
            yield SettingDifference(service=service, key=key, what="without a value", detail=missing, secret=secret)


def _missing(key: str, setting: Toml, values: Toml, ways: Toml) -> str:
    """Why there is no value in the target; empty when there is one."""
    if setting.get("secret"):
        way = ways.get(key, "random")
        if way == "none":
            return "a secret that is not passed here"
        return "a secret that somebody must put (platform/runbooks/rotate.md)" if way == "given" else ""
    return "" if key in values or "default" in setting else "no default, and the stack file doesn't set it"


def _shape(setting: Toml) -> dict[str, Any]:
    return {key: value for key, value in setting.items() if key != "help"}


def _described(setting: Toml) -> str:
    """Type and default; a secret's default doesn't exist."""
    kind = f"{'secret ' if setting.get('secret') else ''}{setting.get('type', '')}"
    limits = [f"{key} {setting[key]}" for key in ("default", "choices", "minimum", "maximum") if key in setting]
    return ", ".join([kind, *limits])


def way_back(service: str, before: Toml | None, collections: Mapping[str, str], contracts: list[str]) -> WayBack:
    """Whether the code before lives on the schema after.

    `collections`: name -> version as this release leaves them. `contracts`: steps that take something away. The rule is
    the chassis' readiness: the same major version, and at least what the code needs.
    """
    if before is None:
        return WayBack(service=service, possible=True, why="there was nothing before: it would be taken away again")
    needs: Mapping[str, str] = (before.get("database") or {}).get("needs") or {}
    if not needs:
        return WayBack(service=service, possible=True, why="the code before needs no database")
    wrong = [_unmet(name, least, collections.get(name)) for name, least in sorted(needs.items())]
    reasons = [reason for reason in wrong if reason] + contracts
    if reasons:
        why = f"the code before can't live with the schema after: {'; '.join(reasons)}"
        return WayBack(service=service, possible=False, why=why)
    return WayBack(service=service, possible=True, why="the schema after still has all that the code before needs")


def _unmet(name: str, least: str, found: str | None) -> str:
    if found is None:
        return f"{name} is gone, {least} is needed"
    have, need = ([int(part) for part in text.split(".")[:3]] for text in (found, least))
    if have[0] != need[0]:
        return f"{name} is {found}, another major version than {least}"
    return f"{name} is {found}, {least} is needed" if have < need else ""


def problems(
    environment: str,
    moves: Iterable[ReleaseMove],
    differences: Iterable[SettingDifference],
    databases: Iterable[DatabasePreview],
    ways_back: Iterable[WayBack],
) -> Iterator[Reason]:
    """What these sections know that a rule must know. `ways_back`: of a rollback's own moves.

    A setting counts as missing when the release adds it: what an earlier release did without, this one may as well.
    """
    for move in moves:
        if move.unknown:
            message = f"what changes in {move.service} isn't known: {move.note}."
            yield Reason(rule="preview-incomplete", message=message, fix="Fetch main's whole history (fetch-depth: 0).")
    told = list(differences)
    added = {(one.service, one.key) for one in told if one.what == "added"}
    for one in told:
        if one.what == "not known":
            message = f"the settings of {one.service} aren't known: {one.detail}"
            yield Reason(rule="preview-incomplete", message=message, fix="Fetch main's whole history (fetch-depth: 0).")
        elif one.what == "without a value" and not one.secret and (one.service, one.key) in added:
            message = f"{one.service}.{one.key} is new and has no value in {environment}: {one.detail}."
            own = f"services/{one.service}/service.toml"
            fix = f"Set it in stacks/Pulumi.{environment}.yaml, or give it a default in {own}."
            yield Reason(rule="setting-missing", message=message, fix=fix)
    for database in databases:
        if database.unknown:
            message = f"what happens to the database of {database.service} isn't known: {database.note}"
            yield Reason(
                rule="preview-incomplete", message=message, fix="Fix the configuration, or fetch main's history."
            )
        for refusal in database.refusals:
            message = f"db-manager refuses the change of {database.service}: {refusal}"
            yield Reason(rule="schema-refused", message=message, fix="Change the configuration, and build again.")
    for way in ways_back:
        if not way.possible:
            fix = "Promote a fixed release instead."
            yield Reason(rule="no-way-back", message=f"{way.service} can't go back: {way.why}.", fix=fix)


def dangerous_plans(databases: Iterable[DatabasePreview]) -> tuple[DangerousPlan, ...]:
    """The plans that db-manager carries out only with an approval."""
    return tuple(
        DangerousPlan(service=one.service, fingerprint=one.fingerprint, dangers=one.dangers)
        for one in databases
        if one.dangers
    )


def fingerprinted(changes: Mapping[str, Any], target: Toml, files: Mapping[str, str]) -> dict[str, Any]:
    """What decides all that the page says, and nothing that passes: no time, no health, no revision.

    A change is decided by its digests and commits (settings, schema and API are files of a commit); the environment by
    its configuration without releases, and by `files`: path -> content id of what `pulumi up` would run.
    """
    written = ("gatehouse:releases", "gatehouse:approved_plans")
    configuration = {key: value for key, value in target.items() if key not in written}
    return {"changes": dict(changes), "configuration": configuration, "files": dict(sorted(files.items()))}


def source_health(
    state: RepositoryState, source: str, service_names: list[str]
) -> tuple[datetime | None, str, str, str]:
    """(seen at, by which record, black box, note) of the source environment's present set."""
    record = state.last_seen(source)
    if record is None or record.seen is None:
        unseen = [name for name in service_names if state.seen_with(source, name) is None]
        what = f"{', '.join(unseen)} as released there" if unseen else "the set that is there now"
        return None, "", "", f"nobody has seen {what} running together. Fix: gate promote verify {source}"
    black_box = record.seen.black_box
    passed = "not run" if black_box is None else ("passed" if black_box.passed else "failed")
    said = f"{passed} ({black_box.summary})" if black_box and black_box.summary else passed
    return record.seen.at, record.id, said, ""
