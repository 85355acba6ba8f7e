"""docs/events.md: who publishes what, and who follows it. Drawn from the catalog."""

from pathlib import Path

from gatehouse_catalog.catalog import Catalog
from gatehouse_catalog.load import load_catalog

PLACE = "docs/events.md"
HEAD = """# Events: who publishes what, and who follows it

Generated from the catalog by `gate generate`. An event holds ids and enum words only; how one gets from a change to its
effects is in [architecture.md](architecture.md), "A fact for others".
"""


def generate(root: Path) -> dict[str, str]:
    """The generated file by its path relative to `root`; none where no service has events."""
    catalog = load_catalog(root)
    return {PLACE: event_map(catalog)} if any(service.has_events for service in catalog) else {}


def event_map(catalog: Catalog) -> str:
    arrows = [
        f"    {_node(producer)}[{producer}] -->|{'<br>'.join(types)}| {_node(service.name)}[{service.name}]"
        for service in catalog
        for producer, types in service.followed.items()
    ]
    drawing = ["```mermaid", "flowchart LR", *arrows, "```"] if arrows else ["No service follows another yet."]
    rows = [
        f"| `{name}` | {producer.name} | {', '.join(_followers(catalog, name)) or 'nobody yet'} |"
        for producer in catalog
        for name in producer.events.publishes
    ]
    table = ["| event | published by | followed by |", "| --- | --- | --- |", *rows]
    return "\n".join([HEAD, *drawing, "", *table, ""])


def _followers(catalog: Catalog, name: str) -> list[str]:
    return [f"{one.name} (`{one.events.handles[name]}`)" for one in catalog if name in one.events.handles]


def _node(name: str) -> str:
    return name.replace("-", "_")
