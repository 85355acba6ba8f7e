"""The page at /docs: a service's operations, without JavaScript and without a request to another host.

It is rendered from the OpenAPI document; a client generator reads /openapi.json.
"""

from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d5d9e0, #3a4150); --soft: light-dark(#f4f6f9, #1c212b); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; padding: .5rem 1rem; }
summary { cursor: pointer; } summary code { font-weight: 600; }
.method { display: inline-block; min-width: 4.5rem; font: 600 .85rem ui-monospace, monospace; }
.who { opacity: .75; font-size: .9rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; }
pre { background: var(--soft); padding: .75rem; overflow-x: auto; border-radius: .4rem; }
"""


def render_docs_page(document: dict[str, Any], service: str) -> str:
    """The HTML of an OpenAPI 3.1 `document`."""
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(service)} API</title>',
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>',
        f"<h1>{escape(document['info']['title'])}</h1>",
        '<p>Generated from <a href="/openapi.json">/openapi.json</a>. Send a bearer token where it says so.</p>',
    ]
    for path, item in sorted(document.get("paths", {}).items()):
        parts.extend(_operation(path, method, operation) for method, operation in item.items())
    return "".join([*parts, "</body></html>"])


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(item['name'])}</code></td><td>{escape(item['in'])}</td>"
        f"<td>{escape(_type(item.get('schema', {})))}</td><td>{escape(item.get('description', ''))}</td></tr>"
        for item in operation.get("parameters", [])
        if "name" in item
    )
    table = f"<table><tr><th>Name</th><th>In</th><th>Type</th><th>Meaning</th></tr>{rows}</table>" if rows else ""
    answers = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(response.get('description', ''))}</td></tr>"
        for status, response in sorted(operation.get("responses", {}).items())
    )
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    sends = f"<p>Sends {escape(_type(body))}</p>" if body else ""
    return (
        f"<details><summary><span class=method>{escape(method.upper())}</span> <code>{escape(path)}</code> "
        f"{escape(operation.get('summary', ''))} <span class=who>— {escape(operation.get('x-gatehouse-allows', ''))}"
        f"</span></summary><p><code>{escape(operation.get('operationId', ''))}</code> "
        f"{escape(operation.get('description', ''))}</p>{table}{sends}"
        f"<table><tr><th>Answer</th><th>Meaning</th></tr>{answers}</table></details>"
    )


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return " | ".join(_type(option) for option in schema[key])
    kind = schema.get("type", "any")
    return f"list of {_type(schema.get('items', {}))}" if kind == "array" else str(kind)
