"""What `gate db plan`, `apply`, `status`, `drift` and `check` print with `--json`, and the JSON Schema of each.

`plan --out` writes what `plan --json` prints, and `apply --plan` reads it.
"""

from typing import Any

import msgspec

from gatehouse_db_manager.api import DatabaseStatus, Result
from gatehouse_db_manager.database.drift import DriftDifference
from gatehouse_db_manager.errors import Problem, Refusal
from gatehouse_db_manager.planning.plan import Plan


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """`problems` is empty if the check passed; `schemas` are those that were read."""

    schemas: tuple[str, ...]
    problems: tuple[Problem, ...]


_SHAPES: dict[str, Any] = {
    "plan": Plan,
    "apply": Result,
    "status": DatabaseStatus,
    "drift": tuple[DriftDifference, ...],
    "check": CheckResult,
}


def as_json(value: object) -> str:
    shown = listed(value) if isinstance(value, Plan) else value
    return msgspec.json.format(msgspec.json.encode(shown), indent=2).decode() + "\n"


def listed(plan: Plan) -> dict[str, Any]:
    """Adds each schema's fingerprint, and replaces rows of data with their number."""
    shown = msgspec.to_builtins(plan)
    for given, schema in zip(shown["schemas"], plan.schemas, strict=True):
        given["fingerprint"] = schema.fingerprint
        for step in given["steps"]:
            step["data"] = [{**data, "rows": len(data["rows"])} for data in step["data"]]
    return shown


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema (2020-12) of each answer, by command. Every key is always there, and no other."""
    return {name: _schema(name, shape) for name, shape in _SHAPES.items()}


def _schema(name: str, shape: Any) -> dict[str, Any]:
    (root, _), components = msgspec.json.schema_components([shape, Refusal], ref_template="#/$defs/{name}")
    if name == "plan":
        components["Data"]["properties"]["rows"] = {"type": "integer", "minimum": 0}
        components["SchemaPlan"]["properties"]["fingerprint"] = {"type": "string", "minLength": 20}
    for component in components.values():
        if component.get("type") == "object":
            component["required"] = list(component["properties"])
            component["additionalProperties"] = False
    if "Problem" in components:
        # A refusal has more fields than a plain problem.
        plain = components.pop("Problem")
        components |= {
            "Plain": plain,
            "Problem": {"anyOf": [{"$ref": f"#/$defs/{one}"} for one in ("Plain", "Refusal")]},
        }
    else:
        del components["Refusal"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:gatehouse:schema:db-manager:{name}",
        "title": f"What `gate db {name} --json` prints",
        **root,
        "$defs": components,
    }
