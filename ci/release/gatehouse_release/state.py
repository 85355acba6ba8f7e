"""The repository's state at one revision: what each environment should run, the policy, and every record.

Read from texts alone. What is in force (holds, freezes, vetoes, sets that were seen working together) is derived here.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
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
    has_database: bool = False
    # What no two services of one environment may share.
    path: str = ""
    schema: str = ""
    port: int = 0

    def takes(self, other: "Entry") -> list[str]:
        """What both claim: a path, a database schema or a port."""
        pairs = {
            f"the path {self.path}": (self.path, other.path),
            f"the schema {self.schema}": (self.schema, other.schema),
            f"the port {self.port}": (self.port, other.port),
        }
        return [what for what, (ours, theirs) in pairs.items() if ours and ours == theirs]


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
    # By environment: services that are released there and have left the catalog, as their release's commit has them.
    removed: Mapping[str, Mapping[str, Entry]] = MappingProxyType({})

    @property
    def domains(self) -> dict[str, list[str]]:
        """Services by domain."""
        found: dict[str, list[str]] = {}
        for entry in self.services.values():
            found.setdefault(entry.domain, []).append(entry.name)
        return found

    def known(self, *environments: str) -> dict[str, Entry]:
        """The catalog's services, and those that are released in these environments and have left the catalog."""
        removed = [self.removed.get(name, {}) for name in environments]
        return {name: entry for one in (*removed, self.services) for name, entry in one.items()}

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

    def acceptances(self, environment: str, fingerprint: str) -> list[Record]:
        """The black-box runs that were accepted in place of unit tests, for the promotion with this preview."""
        of_kind = (record for record in self.of(environment) if record.kind == "acceptance")
        return [record for record in of_kind if fingerprint and record.fingerprint == fingerprint]

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

    def unseen_by_suite(self, environment: str) -> frozenset[str]:
        """Services that the black-box suite hasn't passed there as they are now; empty where it never passed."""
        now = self.releases[environment]
        for record in self._settled(environment):
            if record.seen and record.seen.black_box and record.seen.good:
                then = record.seen.releases
                return frozenset(name for name in {*then, *now} if then.get(name) != now.get(name))
        return frozenset()

    def seen_with(self, environment: str, service: str) -> Record | None:
        """The newest record that saw the service's present release running as meant, with all others."""
        release = self.releases[environment].get(service)
        for record in self._settled(environment):
            if record.seen and record.seen.releases.get(service) == release:
                return record
        return None

    def next_order(self, environment: str) -> int:
        """The place of the next step there, after all that have been written."""
        return max((step.order for record in self.of(environment) for step in record.history), default=0) + 1

    def _settled(self, environment: str) -> Iterator[Record]:
        """What was applied or looked at, the newest outcome first; what is begun comes before all."""
        done = [record for record in self.of(environment) if record.state not in OPEN | {None}]
        return iter(sorted(done, key=lambda one: (one.state == "applying", *came(one)), reverse=True))


def came(record: Record) -> tuple[int, datetime, str]:
    """By what records are sorted as their last steps came."""
    return record.history[-1].order, record.history[-1].at, record.id


def stack_path(environment: str) -> str:
    return f"stacks/Pulumi.{environment}.yaml"


def removed_path(environment: str, service: str) -> str:
    """Where a tree has the service.toml of a service that left the catalog and is still released there.

    Main doesn't have that file any more: the repository port reads it at the release's commit.
    """
    return f"removed/{environment}/{service}/service.toml"


def removed_releases(tree: Mapping[str, str]) -> Iterator[tuple[str, Release]]:
    """(removed_path, release) of each release whose service has left the catalog."""
    for environment in ENVIRONMENTS:
        try:
            releases = _releases(environment, tree.get(stack_path(environment), ""))
        except TextError:
            continue  # read_state says what is wrong with it
        for service, release in releases.items():
            if f"services/{service}/service.toml" not in tree:
                yield removed_path(environment, service), release


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
    services = _services(tree)
    return RepositoryState(
        revision=revision,
        tree=tree,
        policy=_policy(_text(tree, POLICY_FILE)),
        services=services,
        releases=releases,
        records={record.id: record for record in found},
        records_of={name: tuple(one for one in found if one.environment == name) for name in ENVIRONMENTS},
        lifted=frozenset(one.about for one in found if one.kind in ("lift", "unfreeze")),
        unreadable=unreadable,
        removed={name: _removed(tree, name, releases[name].keys() - services.keys()) for name in ENVIRONMENTS},
    )


def _removed(tree: Mapping[str, str], environment: str, names: Iterable[str]) -> dict[str, Entry]:
    paths = {name: removed_path(environment, name) for name in sorted(names)}
    return {
        name: _entry(path, tree[path]) if path in tree else Entry(name=name, domain="") for name, path in paths.items()
    }


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
        database = raw.get("database")
        return Entry(
            name=raw["name"],
            domain=raw["domain"],
            has_database=database is not None,
            path=raw.get("path", ""),
            schema=(database or {}).get("schema", ""),
            port=raw.get("port", 0),
        )
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise TextError([Problem(file=path, message=f"can't be read: {error}.", fix="Run: gate check")]) from None
