"""The roles that accounts and service clients can have."""

from typing import Literal, get_args

Role = Literal[
    "member",
    "mentor",
    "coordinator",
    "staff",
    "finance",
    "marketing",
    "board",
    "partner",
    "engineer",
    "tester",
    "sre",
    "release-manager",
    "admin",
]

ROLES: tuple[str, ...] = get_args(Role)
