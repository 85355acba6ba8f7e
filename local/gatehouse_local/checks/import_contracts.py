"""Who may import whom, as contracts for import-linter. Derived from the workspace, so they cover a new service too.

The rule: catalog <- chassis <- each service. Tools may import the catalog and, through their public functions, the
members listed in ALLOWED. No service imports another: they communicate over HTTP. Inside a member, top-level packages
and modules are acyclic: none imports one that imports it, not even for a type.
"""

import json
from pathlib import Path

from gatehouse_local.workspace import Member, members

CATALOG, CHASSIS = "gatehouse_catalog", "gatehouse_chassis"
DB_MANAGER, OBSERVABILITY, CI = "gatehouse_db_manager", "gatehouse_observability", "gatehouse_ci"
RELEASE = "gatehouse_release"

# Allowed direct imports. A member that isn't listed may import the catalog only (a service: the chassis too).
ALLOWED = {
    CATALOG: frozenset(),
    CHASSIS: frozenset({CATALOG}),
    "gatehouse_platform": frozenset({CATALOG, OBSERVABILITY}),
    "gatehouse_local": frozenset({CATALOG, DB_MANAGER, OBSERVABILITY, CI}),
    # The promotion core is for ci's commands and the portal's release pages, and for nobody else.
    "gatehouse_portal": frozenset({CATALOG, CHASSIS, RELEASE}),
    RELEASE: frozenset({CATALOG, DB_MANAGER}),
    CI: frozenset({CATALOG, DB_MANAGER, RELEASE}),
}


def allowed(member: Member) -> frozenset[str]:
    """Our packages that a member may import."""
    otherwise = frozenset({CATALOG, CHASSIS}) if member.is_service else frozenset({CATALOG})
    return ALLOWED.get(member.package, otherwise)


def contracts(known: list[Member]) -> list[dict]:
    """Contracts in import-linter's format: which members a member may import, and no cycles among its packages."""
    packages = {member.package for member in known}
    between = [
        {
            "id": member.package,
            "name": f"{member.package} imports only {', '.join(sorted(allowed(member) & packages)) or 'none of ours'}",
            "type": "forbidden",
            "source_modules": [member.package],
            "forbidden_modules": sorted(packages - allowed(member) - {member.package}),
            # What an allowed member imports in turn is covered by its own contract.
            "allow_indirect_imports": "true",
        }
        for member in known
    ]
    inside = [
        {
            "id": f"{member.package}-order",
            "name": f"{member.package}: its packages import one another in one direction",
            "type": "acyclic_siblings",
            "ancestors": [member.package],
            "depth": 0,
        }
        for member in known
    ]
    return [*between, *inside]


def write_contracts(root: Path, file: Path) -> None:
    """Writes this checkout's contracts to a file for `lint-imports --config`."""
    known = [member for member in members(root).values() if (member.folder / member.package).is_dir()]
    lines = ["[tool.importlinter]", f"root_packages = {json.dumps(sorted(member.package for member in known))}"]
    for contract in contracts(known):
        lines += ["[[tool.importlinter.contracts]]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in contract.items()]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
