"""Who may import whom, as contracts for import-linter, derived from the workspace: a new service is held to them too.

The rule: catalog <- chassis <- each service; tools may use the catalog and, by their public functions, one another as
ALLOWED says. No service imports another: they meet over HTTP. Inside a member, the packages and modules at the top
stand in one order: whatever imports another is never imported by it, not even for a type.
"""

import json
from pathlib import Path

from gatehouse_local.workspace import Member, members

CATALOG, CHASSIS = "gatehouse_catalog", "gatehouse_chassis"
DB_MANAGER, OBSERVABILITY, CI = "gatehouse_db_manager", "gatehouse_observability", "gatehouse_ci"
RELEASE = "gatehouse_release"

# Direct imports beside the catalog; what isn't named here may import the catalog only.
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
    """The packages of ours that a member may import."""
    otherwise = frozenset({CATALOG, CHASSIS}) if member.is_service else frozenset({CATALOG})
    return ALLOWED.get(member.package, otherwise)


def contracts(known: list[Member]) -> list[dict]:
    """In import-linter's words: which members a member may import, and one order among the packages inside it."""
    packages = {member.package for member in known}
    between = [
        {
            "id": member.package,
            "name": f"{member.package} imports only {', '.join(sorted(allowed(member) & packages)) or 'none of ours'}",
            "type": "forbidden",
            "source_modules": [member.package],
            "forbidden_modules": sorted(packages - allowed(member) - {member.package}),
            # What an allowed part imports in turn is that part's own contract.
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
    """Writes the contracts of this checkout for `lint-imports --config`."""
    known = [member for member in members(root).values() if (member.folder / member.package).is_dir()]
    lines = ["[tool.importlinter]", f"root_packages = {json.dumps(sorted(member.package for member in known))}"]
    for contract in contracts(known):
        lines += ["[[tool.importlinter.contracts]]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in contract.items()]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
