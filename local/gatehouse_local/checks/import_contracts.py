"""Who may import whom, as contracts for import-linter, derived from the workspace: a new service is held to them too.

The rule: catalog <- chassis <- each service; tools may use the catalog and, by their public functions, one another as
ALLOWED says. No service imports another: they meet over HTTP.
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
    "gatehouse_local": frozenset({CATALOG, DB_MANAGER, OBSERVABILITY, CI, RELEASE}),
    # The release page decides by the same core as `gate promote`.
    "gatehouse_portal": frozenset({CATALOG, CHASSIS, RELEASE}),
    RELEASE: frozenset({CATALOG, CHASSIS, DB_MANAGER}),
    CI: frozenset({CATALOG, DB_MANAGER, RELEASE}),
}


def allowed(member: Member) -> frozenset[str]:
    """The packages of ours that a member may import."""
    otherwise = frozenset({CATALOG, CHASSIS}) if member.is_service else frozenset({CATALOG})
    return ALLOWED.get(member.package, otherwise)


def contracts(known: list[Member]) -> list[dict]:
    """One `forbidden` contract a member, in import-linter's words."""
    packages = {member.package for member in known}
    return [
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


def write_contracts(root: Path, file: Path) -> None:
    """Writes the contracts of this checkout for `lint-imports --config`."""
    known = [member for member in members(root).values() if (member.folder / member.package).is_dir()]
    lines = ["[tool.importlinter]", f"root_packages = {json.dumps(sorted(member.package for member in known))}"]
    for contract in contracts(known):
        lines += ["[[tool.importlinter.contracts]]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in contract.items()]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
