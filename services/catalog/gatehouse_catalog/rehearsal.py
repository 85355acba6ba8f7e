"""What the platform tells the task that rehearses a restore (`gatehouse_chassis.rehearsal`)."""

import msgspec

REHEARSAL_VARIABLE = "GATEHOUSE_REHEARSAL"
"""The environment variable with a `RehearsalPlace` as JSON."""

REHEARSAL_TAG = "gatehouse:rehearsal"
"""The tag of the copy; its value is the environment. The task may change and delete only what has it."""

METRICS = "Gatehouse/Restore"
"""The namespace in CloudWatch of what a rehearsal measured; its dimension is the environment."""

DIMENSION, DAYS_SINCE, FAILED = "Environment", "DaysSinceSuccess", "Failed"


class RehearsalPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where the copy comes from, and where it stands meanwhile.

    Attributes:
        source: The environment's instance in RDS, by its identifier.
        copy: The identifier of the copy: always the same, so that a second one can't be there.
        instance_class: Of the copy.
        security_group: The id of the copy's only one.
        master: The name of the instance's master user.
        options: What follows `?` in an address: how the server is verified.
        decisions: The log group with the lines of the service whose decisions are done again.
        outcomes: The log group that rehearsals themselves log to.
    """

    environment: str
    region: str
    source: str
    copy: str
    instance_class: str
    security_group: str
    master: str
    database: str
    options: str
    decisions: str
    outcomes: str
