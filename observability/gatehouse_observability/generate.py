"""The files of `observability/generated/`: what the catalog means for Prometheus, Grafana and the collector."""

from pathlib import Path

from gatehouse_catalog import Catalog, load_catalog
from gatehouse_observability import objectives, platform_alerts
from gatehouse_observability.rules import Group, as_yaml, document

FOLDER = "observability/generated"


def rule_groups(catalog: Catalog) -> list[Group]:
    """All groups of all services, and the platform's."""
    return [*objectives.groups(catalog), *platform_alerts.groups(catalog)]


def generate(root: Path) -> dict[str, str]:
    """Generated files by their path below `root`; `gate generate` writes them."""
    catalog = load_catalog(root)
    return {f"{FOLDER}/rules.yaml": as_yaml(document(rule_groups(catalog)))}
