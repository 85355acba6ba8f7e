"""The JSON Schema of `service.toml`, for editors. Written to `services/catalog/service.schema.json`."""

from pathlib import Path
from typing import Any

import msgspec

from gatehouse_catalog.structs import ServiceFile

PLACE = "services/catalog/service.schema.json"


def service_schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) that editors such as Taplo apply to service.toml."""
    (reference,), components = msgspec.json.schema_components([ServiceFile], ref_template="#/$defs/{name}")
    root = components.pop(reference["$ref"].rpartition("/")[2])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:gatehouse:schema:service",
        **root,
        "title": "A Gatehouse service",
        "$defs": components,
    }


def generate(root: Path) -> dict[str, str]:
    """Generated files by their path below `root`; `gate generate` writes them."""
    del root  # the schema follows from the structs alone
    text = msgspec.json.format(msgspec.json.encode(service_schema(), order="sorted"), indent=2).decode()
    return {PLACE: text + "\n"}
