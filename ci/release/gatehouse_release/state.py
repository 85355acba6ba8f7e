"""The repository's state at one revision: what each environment should run, the policy, and every record.

Read from texts alone. What is in force (holds, freezes, vetoes, sets that were seen working together) is derived here.
"""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec

from gatehouse_catalog.errors import Problem
from gatehouse_catalog.releases import ENVIRONMENTS, Release
from gatehouse_release import records
from gatehouse_release.model import Record
from gatehouse_release.policy import POLICY_FILE, Policy, parse_policy
from gatehouse_release.stack_file import releases_in
from gatehouse_release.yaml_text import TextError, convert

Releases = Mapping[str, Release]
OPEN = frozenset({"proposed", "approved"})
RECORDS = "stacks/releases/"
MOVES = frozenset({"promotion", "rollback"})


class Entry(msgspec.Struct, frozen=True):
    """What promotion needs of a service's service.toml."""

    name: str
    domain: str
    has_database: bool


class RepositoryState(msgspec.Struct, frozen=True):
    revision: str
    tree: Mapping[str, str]
    policy: Policy
    services: Mapping[str, Entry]
    releases: Mapping[str, Releases]
    # Of all environments, in the order in which they were begun.
    records: Mapping[str, Record]
    records_of: Mapping[str, tuple[Record, ...]]
    # What a lift or an unfreeze names.
    lifted: frozenset[str]
    # Environments of which a record or the stack file can't be read: nothing moves there until it is put right. The
    # empty name: files that belong to no environment, which stop none.
    unreadable: Mapping[str, tuple[Problem, ...]] = MappingProxyType({})

    @property
    def domains(self) -> dict[str, list[str]]:
        """Services by domain."""
        found: dict[str, list[str]] = {}
        for entry in self.services.values():
            found.setdefault(entry.domain, []).append(entry.name)
        return found

    def of(self, environment: str) -> tuple[Record, ...]:
        return self.records_of.get(environment, ())

    def undecided(self, environment: str) -> list[Record]:
        """Promotions that were begun; the next run settles them."""
        return [record for record in self.of(environment) if record.state == "applying"]

    def proposals(self, environment: str) -> list[Record]:
        """What waits for approvals, or to be applied. A vetoed one waits for nothing."""
        return [record for record in self.of(environment) if record.state in OPEN and not self.vetoes(record.id)]

    def holds(self, environment: str) -> list[Record]:
        return [record for record in self.of(environment) if record.kind == "hold" and record.id not in self.lifted]

    def vetoes(self, proposal: str) -> list[Record]:
        return [
            record
            for record in self.records.values()
            if record.kind == "veto" and record.about == proposal and record.id not in self.lifted
        ]

    def freezes(self, environment: str, now: datetime) -> list[Record]:
        """The freezes in force at `now`."""
        return [freeze for freeze in self.coming_freezes(environment, now) if (freeze.since or freeze.at) <= now]

    def coming_freezes(self, environment: str, now: datetime) -> list[Record]:
        """Those in force, and those planned."""
        return [
            record
            for record in self.of(environment)
            if record.kind == "freeze" and record.id not in self.lifted and (record.until is None or now < record.until)
        ]

    def last_seen(self, environment: str) -> Record | None:
        """The record that last saw the environment as a whole, if nothing has changed or failed since."""
        newest = next(self._settled(environment), None)
        return newest if newest and newest.seen and newest.seen.releases == self.releases[environment] else None

    def good_since(self, environment: str) -> datetime | None:
        """Since when the present set has been working together without a break."""
        since = None
        for record in self._settled(environment):
            if not record.seen or not record.seen.good or record.seen.releases != self.releases[environment]:
                break
            since = record.seen.at
        return since

    def seen_with(self, environment: str, service: str) -> Record | None:
        """The newest record that saw the service's present release running as meant, with all others."""
        release = self.releases[environment].get(service)
        for record in self._settled(environment):
            if record.seen and record.seen.releases.get(service) == release:
                return record
        return None

    def last_moment(self, environment: str) -> datetime | None:
        return max((step.at for record in self.of(environment) for step in record.history), default=None)

    def _settled(self, environment: str) -> Iterator[Record]:
        """What was applied or looked at, the newest outcome first; what is begun comes before all."""
        done = [record for record in self.of(environment) if record.state not in OPEN | {None}]
        return iter(sorted(done, key=lambda one: (one.state == "applying", one.history[-1].at, one.id), reverse=True))


def stack_path(environment: str) -> str:
    return f"stacks/Pulumi.{environment}.yaml"


def read_state(revision: str, tree: Mapping[str, str]) -> RepositoryState:
    """The state in a tree of texts.

    A record or stack file that can't be read makes its environment `unreadable`, and no other. Raises TextError with
    file, key and fix for what all environments share: the policy and the services.
    """
    found: list[Record] = []
    unreadable: dict[str, tuple[Problem, ...]] = {}
    for path, text in tree.items():
        if path.startswith(RECORDS) and path.endswith(".yaml"):
            try:
                found.append(records.parse(path, text))
            except TextError as error:
                environment = path.removeprefix(RECORDS).split("/")[0]
                name = environment if environment in ENVIRONMENTS else ""
                unreadable[name] = (*unreadable.get(name, ()), *error.problems)
    releases: dict[str, Releases] = {}
    for name in ENVIRONMENTS:
        try:
            releases[name] = _releases(name, _text(tree, stack_path(name)))
        except TextError as error:
            releases[name] = {}
            unreadable[name] = (*unreadable.get(name, ()), *error.problems)
    found.sort(key=lambda one: one.id)
    return RepositoryState(
        revision=revision,
        tree=tree,
        policy=_policy(_text(tree, POLICY_FILE)),
        services=_services(tree),
        releases=releases,
        records={record.id: record for record in found},
        records_of={name: tuple(one for one in found if one.environment == name) for name in ENVIRONMENTS},
        lifted=frozenset(one.about for one in found if one.kind in ("lift", "unfreeze")),
        unreadable=unreadable,
    )


def _text(tree: Mapping[str, str], path: str) -> str:
    try:
        return tree[path]
    except KeyError:
        raise TextError([Problem(file=path, message="is missing on main.", fix="Put it back.")]) from None


@lru_cache(maxsize=16)
def _policy(text: str) -> Policy:
    return parse_policy(text)


@lru_cache(maxsize=256)
def _releases(environment: str, text: str) -> Releases:
    file = stack_path(environment)
    raw = releases_in(text, file)
    return convert(raw, dict[str, Release], file, at="config.gatehouse:releases.")


def _services(tree: Mapping[str, str]) -> dict[str, Entry]:
    found = {}
    for path, text in sorted(tree.items()):
        parts = path.split("/")
        if parts[0] == "services" and parts[2:] == ["service.toml"]:
            found[parts[1]] = _entry(path, text)
    return found


@lru_cache(maxsize=256)
def _entry(path: str, text: str) -> Entry:
    try:
        raw: dict[str, Any] = tomllib.loads(text)
        return Entry(raw["name"], raw["domain"], "database" in raw)
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise TextError([Problem(file=path, message=f"can't be read: {error}.", fix="Run: gate check")]) from None
