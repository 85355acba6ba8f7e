"""Recording rules and alerts as structs, and their YAML. The rules themselves: objectives.py, platform_alerts.py."""

from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any, Literal

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

Severity = Literal["page", "ticket", "heartbeat"]
RUNBOOKS = "observability/runbooks"
GENERATED = (
    "# Generated from the catalog by `gate generate`: edit services/*/service.toml or observability/, not this file.\n"
)


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """A series that Prometheus computes continuously, named level:metric:operation."""

    record: str
    expr: str
    labels: dict[str, str] = {}


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """`page` wakes somebody, `ticket` can wait for the morning, the end of a `heartbeat` raises an alarm. `runbook` is
    a file's name in runbooks/ without .md.
    """

    alert: str
    expr: str
    wait: str
    severity: Severity
    owner: str
    summary: str
    runbook: str
    labels: dict[str, str] = {}

    @property
    def runbook_file(self) -> str:
        """Its path below the repository's root."""
        return f"{RUNBOOKS}/{self.runbook}.md"


class RuleGroup(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    rules: Sequence[Recording | Alert]
    interval: str = "30s"

    @property
    def alerts(self) -> list[Alert]:
        return [rule for rule in self.rules if isinstance(rule, Alert)]


def rules_document(
    groups: Iterable[RuleGroup], *, interval: str | None = None, repository_url: str = ""
) -> dict[str, Any]:
    """The rule file as Prometheus reads it.

    Args:
        groups: Recordings and alerts.
        interval: Overrides that of each group.
        repository_url: Where the repository's files are read, ending in a slash: a runbook's link then opens from a
            mail. Without it, the link is the file's path.
    """
    return {
        "groups": [
            {
                "name": group.name,
                "interval": interval or group.interval,
                "rules": [_rule(rule, repository_url) for rule in group.rules],
            }
            for group in groups
        ]
    }


def _rule(rule: Recording | Alert, repository_url: str) -> dict[str, Any]:
    if isinstance(rule, Recording):
        recording: dict[str, Any] = {"record": rule.record, "expr": rule.expr}
        return recording | ({"labels": dict(rule.labels)} if rule.labels else {})
    return {
        "alert": rule.alert,
        "expr": rule.expr,
        "for": rule.wait,
        "labels": {**rule.labels, "owner": rule.owner, "severity": rule.severity},
        "annotations": {"summary": rule.summary, "runbook_url": repository_url + rule.runbook_file},
    }


def as_yaml(content: Any) -> str:
    """Block style in insertion order, with literal blocks for multi-line strings."""
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = StringIO()
    yaml.dump(_readable(content), text)
    return GENERATED + text.getvalue()


def _readable(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _readable(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_readable(value) for value in content]
    return LiteralScalarString(content) if isinstance(content, str) and "\n" in content else content
