"""What a service's collections declare of people: `personal.json`, which `gate generate` writes into its package."""

import importlib.util
from pathlib import Path

import msgspec

FILE = "personal.json"


class AboutSubject(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a collection about one subject, by what becomes of them when that person is erased.

    Attributes:
        subject: How the collection file says whose they are.
        where: The condition that finds the rows of the people, or accounts, whose ids are $1.
        deleted: They go with their row.
        erased: The SQL that replaces each.
        kept: The ground on which each is kept.
    """

    subject: str
    where: str
    deleted: tuple[str, ...]
    erased: dict[str, str]
    kept: dict[str, str]

    @property
    def columns(self) -> list[str]:
        return [*self.deleted, *self.erased, *self.kept]


class DeclaredRetention(msgspec.Struct, frozen=True):
    """Rows go when `keep` (an interval of PostgreSQL) has passed since the moment in the column `after`."""

    after: str
    keep: str


class DeclaredCollection(msgspec.Struct, frozen=True, kw_only=True):
    """`versioned`: its rows have a version, which optimistic locking compares."""

    name: str
    key: tuple[str, ...]
    versioned: bool
    history: bool
    retention: DeclaredRetention | None
    about: tuple[AboutSubject, ...]


class PersonalData(msgspec.Struct, frozen=True, kw_only=True):
    """All of a service. Collections whose rows are found by way of others come before these."""

    schema: str
    collections: tuple[DeclaredCollection, ...]


def declared_in(package: str) -> PersonalData | None:
    """Of a service's package; None where it has none: no database, or the service of a test."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    file = Path(next(iter(folders))) / FILE if folders else None
    if file is None or not file.is_file():
        return None
    return msgspec.json.decode(file.read_bytes(), type=PersonalData)
