"""Who is notified of an alert, and when: the alert manager's configuration. Pure.

AMP supports one kind of receiver, an SNS topic. Pages and tickets go to one; each message has `severity` and `owner` as
attributes, by which subscribers filter. Owners are the catalog's domains; none is named here. The heartbeat has a topic
of its own, which nobody reads: an alarm is raised when its messages end.
"""

from typing import Any, NamedTuple

# A page is sent at once and repeated every hour; tickets are grouped and repeated daily. The heartbeat is never muted.
HEARTBEAT = "heartbeat"
TIMES = {
    "page": {"group_wait": "10s", "group_interval": "2m", "repeat_interval": "1h"},
    "ticket": {"group_wait": "5m", "group_interval": "1h", "repeat_interval": "1d"},
    HEARTBEAT: {"group_wait": "0s", "group_interval": "1m", "repeat_interval": "5m"},
}
# SNS wants ASCII, one line, less than 100 characters; a name of a service has 30 at most.
SUBJECT = "[{{ .CommonLabels.severity }}] {{ .CommonLabels.alertname }} {{ .CommonLabels.service }} {{ .Status }}"
MESSAGE = (
    "{{ range .Alerts }}{{ .Status }}: {{ .Annotations.summary }}\n"
    "Owner: {{ .Labels.owner }}. Since {{ .StartsAt }}. Runbook: {{ .Annotations.runbook_url }}\n\n{{ end }}"
)


OFF_HOURS = "off-hours"
# Tasks that start in the morning are scraped after some minutes; until then their absence is the night's.
MORNING_MINUTES = 20


class WorkingHours(NamedTuple):
    """When an environment that is switched off at night runs: on weekdays from `start` to `stop` (HH:MM) in a zone."""

    start: str
    stop: str
    timezone: str


def alertmanager_config(
    *, topic: Any, heartbeat: Any, region: str, hours: WorkingHours | None = None
) -> dict[str, Any]:
    """The alert manager's configuration.

    Args:
        topic: The ARN of the SNS topic; in the platform an Output of Pulumi.
        heartbeat: The ARN of the SNS topic whose silence raises an alarm; as above.
        region: The region of the topics.
        hours: The schedule that switches the environment off; outside it nobody is notified. None: it always runs.
    """
    muted = {"mute_time_intervals": [OFF_HOURS]} if hours else {}
    config = _config({severity: heartbeat if severity == HEARTBEAT else topic for severity in TIMES}, region, muted)
    return config | ({"time_intervals": [_off_hours(hours)]} if hours else {})


def _off_hours(hours: WorkingHours) -> dict[str, Any]:
    morning, minutes = divmod(int(hours.start[:2]) * 60 + int(hours.start[3:]) + MORNING_MINUTES, 60)
    night = [
        {"start_time": "00:00", "end_time": f"{morning:02}:{minutes:02}"},
        {"start_time": hours.stop, "end_time": "24:00"},
    ]
    where = {"location": hours.timezone}
    return {
        "name": OFF_HOURS,
        "time_intervals": [
            {"weekdays": ["monday:friday"], "times": night, **where},
            {"weekdays": ["saturday", "sunday"], **where},
        ],
    }


def _config(topics: dict[str, Any], region: str, muted: dict[str, list[str]]) -> dict[str, Any]:
    return {
        # The default; every alert has a severity.
        "route": {
            "receiver": "ticket",
            # Not by service: a database, or a subnet, takes several services with it, and that is one fault.
            "group_by": ["severity", "owner", "alertname"],
            **TIMES["ticket"],
            "routes": [
                {"receiver": severity, "matchers": [f'severity="{severity}"'], **times}
                | ({} if severity == HEARTBEAT else muted)
                for severity, times in TIMES.items()
            ],
        },
        "inhibit_rules": [
            # One notification for one burn, whatever the window.
            _inhibit('alertname=~".+BurnsFast"', 'alertname=~".+Burns"'),
            _inhibit('alertname=~".+Burns(Fast)?"', 'alertname=~".+BurnsSlowly"'),
        ],
        "receivers": [_receiver(severity, topic, region) for severity, topic in topics.items()],
    }


def _inhibit(source: str, target: str) -> dict[str, Any]:
    return {"source_matchers": [source], "target_matchers": [target], "equal": ["service", "sli"]}


def _receiver(severity: str, topic: Any, region: str) -> dict[str, Any]:
    return {
        "name": severity,
        "sns_configs": [
            {
                "topic_arn": topic,
                "sigv4": {"region": region},
                "send_resolved": severity != HEARTBEAT,  # its end is told by silence
                "subject": SUBJECT,
                "message": MESSAGE,
                "attributes": {"severity": severity, "owner": "{{ .CommonLabels.owner }}"},
            }
        ],
    }
