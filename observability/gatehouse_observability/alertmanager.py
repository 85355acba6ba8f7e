"""Who is told of an alert, and when: the alert manager's configuration. Pure: a topic in, structure out.

AMP knows one kind of receiver, a topic of SNS. Both severities go to it, each message with `severity` and `owner` as
attributes, so that whoever subscribes chooses by a filter. No owner is named here: they are the catalog's domains, and
a new one changes nothing.
"""

from typing import Any

# What a page and a ticket wait for. A page is sent at once and again every hour; tickets are gathered for the morning.
TIMES = {
    "page": {"group_wait": "10s", "group_interval": "2m", "repeat_interval": "1h"},
    "ticket": {"group_wait": "5m", "group_interval": "1h", "repeat_interval": "1d"},
}
# SNS wants ASCII, one line, less than 100 characters; a name of a service has 30 at most.
SUBJECT = "[{{ .CommonLabels.severity }}] {{ .CommonLabels.alertname }} {{ .CommonLabels.service }} {{ .Status }}"
MESSAGE = (
    "{{ range .Alerts }}{{ .Status }}: {{ .Annotations.summary }}\n"
    "Owner: {{ .Labels.owner }}. Since {{ .StartsAt }}. Runbook: {{ .Annotations.runbook_url }}\n\n{{ end }}"
)


def alertmanager_config(*, topic: Any, region: str) -> dict[str, Any]:
    """`topic`: the ARN of the SNS topic; in the platform it is one that Pulumi knows only later."""
    return {
        # An alert without a severity (there is none) would be a ticket.
        "route": {
            "receiver": "ticket",
            "group_by": ["severity", "owner", "alertname", "service"],
            **TIMES["ticket"],
            "routes": [
                {"receiver": severity, "matchers": [f'severity="{severity}"'], **times}
                for severity, times in TIMES.items()
            ],
        },
        "inhibit_rules": [
            # The same burn, seen over a longer window, is told once.
            _hides('alertname=~".+BurnsFast"', 'alertname=~".+Burns"'),
            _hides('alertname=~".+Burns(Fast)?"', 'alertname=~".+BurnsSlowly"'),
        ],
        "receivers": [_receiver(severity, topic, region) for severity in TIMES],
    }


def _hides(source: str, target: str) -> dict[str, Any]:
    return {"source_matchers": [source], "target_matchers": [target], "equal": ["service", "sli"]}


def _receiver(severity: str, topic: Any, region: str) -> dict[str, Any]:
    return {
        "name": severity,
        "sns_configs": [
            {
                "topic_arn": topic,
                "sigv4": {"region": region},
                "send_resolved": True,
                "subject": SUBJECT,
                "message": MESSAGE,
                "attributes": {"severity": severity, "owner": "{{ .CommonLabels.owner }}"},
            }
        ],
    }
