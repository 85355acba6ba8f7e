"""A plan as JSON: `plan --json` prints it, `plan --out` writes it, `apply --plan` reads it; and its JSON Schema."""

from typing import Any

import msgspec

from gatehouse_db_manager.plan_structs import Plan


def listed(plan: Plan) -> dict[str, Any]:
    """With each schema's fingerprint, and with how many rows of data there are instead of the rows."""
    shown = msgspec.to_builtins(plan)
    for given, schema in zip(shown["schemas"], plan.schemas, strict=True):
        given["fingerprint"] = schema.fingerprint
        for step in given["steps"]:
            step["data"] = [{**data, "rows": len(data["rows"])} for data in step["data"]]
    return shown


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `listed`. Every key is always there."""
    (root,), components = msgspec.json.schema_components([Plan], ref_template="#/$defs/{name}")
    components["Data"]["properties"]["rows"] = {"type": "integer", "minimum": 0}
    components["SchemaPlan"]["properties"]["fingerprint"] = {"type": "string", "minLength": 20}
    for component in components.values():
        if component.get("type") == "object":
            component["required"] = list(component["properties"])
            component["additionalProperties"] = False
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:gatehouse:schema:db-manager:plan",
        "title": "What `gate db plan --json` prints",
        **root,
        "$defs": components,
    }
