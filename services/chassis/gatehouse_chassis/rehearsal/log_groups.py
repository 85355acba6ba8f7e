"""What log groups in CloudWatch say: a service's decisions, and when a rehearsal last succeeded.

The awslogs driver makes each line of a container one event, whose message is the line; a pattern in braces selects by
the fields of a line of JSON. CloudWatch Logs user guide, FilterAndPatternSyntax; a page has 1 MB or 10,000 events, and
an empty page may have a next one: API reference, FilterLogEvents.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from gatehouse_chassis.rehearsal.aws_calls import AwsCalls

DECISIONS = '{ ($.event = "audit") || ($.event = "session token") }'
REHEARSED = "restore rehearsed"
SUCCEEDED = f'{{ ($.event = "{REHEARSED}") && ($.outcome = "ok") }}'
# Further back nobody looks: by then the alarm rings.
LOOK_BACK = timedelta(days=60)


async def lines_since(aws: AwsCalls, group: str, since: datetime, pattern: str) -> list[tuple[datetime, bytes]]:
    """When each line was written, and the line, in order of time."""
    found: list[tuple[datetime, bytes]] = []
    page: dict[str, str] = {}
    while True:
        start = int(since.timestamp() * 1000)
        answer = await aws.logs("FilterLogEvents", logGroupName=group, startTime=start, filterPattern=pattern, **page)
        found += [
            (datetime.fromtimestamp(event["timestamp"] / 1000, UTC), event["message"].encode())
            for event in answer.get("events", [])
        ]
        if not answer.get("nextToken"):
            return sorted(found, key=lambda each: each[0])
        page = {"nextToken": answer["nextToken"]}


async def days_since_success(aws: AwsCalls, group: str, now: datetime) -> float:
    """Days since a rehearsal succeeded; where none did, as many as were looked at."""
    lines = await lines_since(aws, group, now - LOOK_BACK, SUCCEEDED)
    last = max((at for at, line in lines if _succeeded(line)), default=now - LOOK_BACK)
    return (now - last) / timedelta(days=1)


def _succeeded(line: bytes) -> bool:
    try:
        said = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return False
    return isinstance(said, dict) and said.get("event") == REHEARSED and said.get("outcome") == "ok"
