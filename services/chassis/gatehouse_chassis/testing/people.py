"""The people of the test data and the roles that identity gives them, read from identity's own test data.

caller("mentor")   # by persona, as one signs in locally
caller(15)         # by number: whoever has no persona
"""

import functools
from pathlib import Path

import msgspec

from gatehouse_catalog import find_root
from gatehouse_catalog.errors import nearest

TEST_DATA = Path("services", "identity", "database", "test-data")


class TestPerson(msgspec.Struct, frozen=True):
    """`roles` are those granted and not revoked."""

    __test__ = False  # its name begins with Test, so pytest would collect it

    number: int
    name: str
    persona: str | None
    roles: tuple[str, ...]


class _Account(msgspec.Struct):
    id: str
    name: str
    persona: str | None = None


class _Grant(msgspec.Struct):
    account_id: str
    role: str
    revoked_at: str | None = None


def person_id(number: int) -> str:
    """The id of the person that the test data counts as `number`."""
    return f"019a0000-0001-7000-8000-{number:012d}"


def account_id(number: int) -> str:
    """The id of that person's account."""
    return f"019a0000-0002-7000-8000-{number:012d}"


def caller(who: str | int) -> TestPerson:
    """The person with this persona or number. Raises KeyError with the nearest known."""
    people = _people()
    if who not in people:
        raise KeyError(f"{who} is no person of {TEST_DATA}. {nearest(str(who), map(str, people))}")
    return people[who]


@functools.cache
def _people() -> dict[str | int, TestPerson]:
    """By number, and by persona."""
    folder = find_root(Path(__file__)) / TEST_DATA
    grants = msgspec.json.decode((folder / "role_grant.json").read_bytes(), type=list[_Grant])
    people: dict[str | int, TestPerson] = {}
    for account in msgspec.json.decode((folder / "account.json").read_bytes(), type=list[_Account]):
        number = int(account.id[-12:])
        roles = tuple(grant.role for grant in grants if grant.account_id == account.id and grant.revoked_at is None)
        people[number] = TestPerson(number, account.name, account.persona, roles)
        if account.persona is not None:
            people[account.persona] = people[number]
    return people
