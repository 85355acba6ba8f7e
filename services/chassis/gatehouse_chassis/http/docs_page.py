"""The page at /docs: a service's operations, without JavaScript and without a request to another host.

It is rendered from the OpenAPI document; a client generator reads /openapi.json.
"""

from html import escape
from typing import Any

# The portal's colours: stone, night, and amber for the line below the head.
STYLE = """
:root { color-scheme: light dark; --paper: light-dark(#f1f3ee, #10171d); --surface: light-dark(#fff, #182129);
  --line: light-dark(#d3d8ce, #303c46); --ink: light-dark(#17212b, #e7edea); --muted: light-dark(#4f5b64, #a5b1b6);
  --accent: light-dark(#0b5d5e, #7bd0c7); --soft: light-dark(#dcecea, #16343a); --head: light-dark(#17232d, #0a0f13); }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; margin: 0; overflow-wrap: anywhere;
  background: var(--paper); color: var(--ink); }
header { background: var(--head); color: #eff3ef; border-bottom: 3px solid #e3a337; padding-block: 0.9rem;
  font-weight: 700; }
header, main { padding-inline: max(1rem, calc(50vw - 33rem)); }
main { padding-block: 1.5rem 3rem; }
h1 { font-size: clamp(1.5rem, 1.2rem + 1.5vw, 2.1rem); line-height: 1.2; margin: 0 0 0.5rem; }
h2 { font-size: 1.2rem; margin: 1.75rem 0 0.5rem; }
p { max-width: 65ch; margin: 0.5rem 0; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
details { background: var(--surface); border: 1px solid var(--line); border-radius: 0.5rem; margin: 0.4rem 0;
  padding: 0 1rem; }
details[open] { padding-bottom: 0.75rem; }
summary { cursor: pointer; padding: 0.6rem 0; min-height: 2.75rem; }
summary:hover { color: var(--accent); }
code { font: 0.92em ui-monospace, "SF Mono", Menlo, monospace; }
summary code { font-weight: 600; }
.method { display: inline-block; min-width: 4.2rem; padding: 0.05rem 0.45rem; margin-right: 0.4rem;
  border-radius: 0.3rem; background: var(--soft); color: var(--accent); text-align: center;
  font: 600 0.82rem/1.6 ui-monospace, Menlo, monospace; }
.who { color: var(--muted); font-size: 0.92rem; }
table { border-collapse: collapse; width: 100%; margin: 0.6rem 0; font-size: 0.95rem; }
th, td { text-align: left; padding: 0.3rem 0.5rem 0.3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--muted); font-size: 0.88rem; }
@media (max-width: 40rem) {
  table, tbody, tr, td { display: block; } tr:has(th) { position: absolute; clip-path: inset(50%); }
  td { border: 0; padding: 0; } tr { border-bottom: 1px solid var(--line); padding: 0.4rem 0; }
}
"""


def render_docs_page(document: dict[str, Any], service: str) -> str:
    """The HTML of an OpenAPI 3.1 `document`: its operations by tag, each folded."""
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(service)} API · Gatehouse</title>',
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>',
        f"<header>Gatehouse · {escape(service)}</header><main><h1>{escape(document['info']['title'])}</h1>",
        '<p>Generated from <a href="/openapi.json">/openapi.json</a>. Send an access token as '
        "<code>Authorization: Bearer ...</code> to each operation that doesn’t say “anyone”.</p>",
    ]
    by_tag: dict[str, list[str]] = {}
    for path, item in sorted(document.get("paths", {}).items()):
        for method, operation in item.items():
            tag = (operation.get("tags") or ["operations"])[0]
            by_tag.setdefault(tag, []).append(_operation(path, method, operation))
    # What every service has comes last.
    for tag, operations in sorted(by_tag.items(), key=lambda one: (one[0] == "platform", one[0])):
        parts += [f"<h2>{escape(tag[:1].upper() + tag[1:].replace('-', ' '))}</h2>", *operations]
    return "".join([*parts, "</main></body></html>"])


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
