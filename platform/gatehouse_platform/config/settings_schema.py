"""The JSON Schema of stack files, for editors. Written to `stacks/schema.json`."""

from pathlib import Path
from typing import Any

import msgspec

from gatehouse_platform.config.settings import EnvironmentSettings, FoundationSettings
from gatehouse_platform.config.stack_config import PROJECT, PROVIDER_KEYS

SCHEMA_FILE = "stacks/schema.json"


def stack_schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) of `Pulumi.<stack>.yaml`."""
    shapes = (EnvironmentSettings, FoundationSettings)
    _, components = msgspec.json.schema_components(shapes, ref_template="#/$defs/{name}")
    configs = []
    for shape in shapes:
        own = components.pop(shape.__name__)
        properties = {f"{PROJECT}:{key}": value for key, value in own["properties"].items()}
        properties |= {key: {"type": "string"} for key in sorted(PROVIDER_KEYS)}
        configs.append(
            {
                "type": "object",
                "title": shape.__name__,
                "properties": properties,
                # The tier gives the rest.
                "required": [f"{PROJECT}:{key}" for key in own.get("required", []) if key != "network"],
                "additionalProperties": False,
            }
        )
    network = components["NetworkSettings"]
    network.pop("required", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:gatehouse:schema:stack",
        "title": "A Gatehouse stack",
        "type": "object",
        "properties": {
            "config": {"anyOf": configs},
            "secretsprovider": {"type": "string"},
            "encryptedkey": {"type": "string"},
            "encryptionsalt": {"type": "string"},
            "environment": {"type": "array", "items": {"type": "string"}},
        },
        "additionalProperties": False,
        "$defs": components,
    }


def generate(root: Path) -> dict[str, str]:
    """Generated files by their path below `root`; `gate generate` writes them."""
    del root  # the schema follows from the structs alone
    text = msgspec.json.format(msgspec.json.encode(stack_schema(), order="sorted"), indent=2).decode()
    return {SCHEMA_FILE: text + "\n"}
