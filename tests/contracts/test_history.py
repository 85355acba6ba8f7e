"""Collections whose changes are kept are changed through Repository; whatever else changes one of them is known."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_chassis.data.repository import MANAGED
from gatehouse_chassis.data.statements import Statement
from gatehouse_chassis.privacy.declared import declared_in

PACKAGES = {
    service.package: declared
    for service in load_catalog(find_root())
    if service.database and (declared := declared_in(service.package))
}
UPDATE = re.compile(
    r'update "?(?:\w+"?\.)?"?(\w+)"? set (.*?)(?: from | where | returning |$)', re.IGNORECASE | re.DOTALL
)
# The curriculum's own commands keep these (curriculum/commands.py), as one statement changes any number of rows.
BY_CURRICULUM = ("assignment",)
# What no history shows, and where it stands instead.
ELSEWHERE = {
    ("account", "provider"): "audit_entry, account_linked",
    ("account", "subject"): "audit_entry, account_linked",
    ("account", "last_sign_in_at"): "session",
    **dict.fromkeys(
        [("account", "archived_at"), *(("role_grant", f"revoked_{part}") for part in ("at", "by", "reason"))],
        "audit_entry: only a restore does so again (recovery/queries.py)",
    ),
    ("gift", "receipt_id"): "receipt: what it says names its gifts",
    ("gift", "changed_since"): "receipt: set back by each that is issued, replaced or void",
    ("account", "status"): "session: the first one makes an invited account active",
}


def statements(package: str) -> Iterator[str]:
    root = importlib.import_module(package)
    for found in pkgutil.walk_packages(root.__path__, f"{package}."):
        for value in vars(importlib.import_module(found.name)).values():
            if isinstance(value, Statement):
                yield value.sql


@pytest.mark.parametrize("package", PACKAGES)
def test_no_statement_changes_them_unseen(package: str) -> None:
    kept = {one.name for one in PACKAGES[package].collections if one.history} - set(BY_CURRICULUM)
    unseen = set()
    for sql in statements(package):
        for table, columns in UPDATE.findall(" ".join(sql.split())):
            names = {name for name in re.findall(r'"?(\w+)"? = ', columns) if name not in MANAGED}
            unseen |= {(table, name) for name in names if table in kept}
    assert unseen - ELSEWHERE.keys() == set(), "change it through Repository, or say in ELSEWHERE where it is kept"


def test_services_with_people_keep_history() -> None:
    kept = {name: {one.name for one in declared.collections if one.history} for name, declared in PACKAGES.items()}
    assert {"person", "consent", "mentor_assignment", "profile"} <= kept["gatehouse_person"]
    assert {"account", "role_grant"} <= kept["gatehouse_identity"]
    assert {"topic", "resource", "path"} <= kept["gatehouse_topics"]
    assert {"partner", "contact", "agreement"} <= kept["gatehouse_partner"]
