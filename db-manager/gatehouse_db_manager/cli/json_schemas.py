"""JSON Schemas of the file formats, for editors, and of `--json` output, for scripts. Written by `gate generate`."""

from pathlib import Path
from typing import Any

import msgspec

from gatehouse_db_manager.cli import json_output
from gatehouse_db_manager.config.formats import CollectionFile, EnumValue, SchemaFile, TypeFile
from gatehouse_db_manager.config.imported import ImportedFile

_FORMATS: dict[str, tuple[str, Any]] = {
    "schema": ("A schema: services/<service>/database/schema.yaml", SchemaFile),
    "collection": ("A collection: services/<service>/database/collections/<collection>.yaml", CollectionFile),
    "enumerators": (
        "A snapshot of enumerators: services/<service>/database/enumerators/<n>.yaml",
        dict[str, list[EnumValue]],
    ),
    "imported": ("A collection as `gate db import` found it, with `imported: true`", ImportedFile),
    "type": ("A custom type: db-manager/types/<type>.yaml", TypeFile),
}


def format_schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one kind of file."""
    title, shape = _FORMATS[name]
    (root,), components = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:gatehouse:schema:db-manager:{name}",
        "title": title,
        **root,
        "$defs": components,
    }


def generate(root: Path) -> dict[str, str]:
    """Generated files by their path below `root`."""
    del root  # the schemas follow from the structs alone
    schemas = {name: format_schema(name) for name in _FORMATS} | json_output.schemas()
    return {f"db-manager/schemas/{name}.schema.json": _text(schema) for name, schema in schemas.items()}


def _text(schema: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=2).decode() + "\n"
