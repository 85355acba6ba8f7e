"""The IAM role that a workflow assumes for an environment by OpenID Connect, in the account that the stack file names.

There are no stored keys. Who may assume a role is decided by the platform (gatehouse_platform.components.access): the
jobs of one GitHub environment of one repository, `dev` to change it and `dev-plan` to read it.
"""

from pathlib import Path
from typing import Literal

import msgspec

from gatehouse_catalog.releases import ENVIRONMENTS
from gatehouse_release.git.files import stack_config, stack_path

May = Literal["apply", "plan"]


class NoWorkflowRole(Exception):
    """The stack file doesn't say which account or region; the message says what to add."""


class WorkflowRole(msgspec.Struct, frozen=True, kw_only=True):
    """`environment` is GitHub's: a job that runs in it may assume the role."""

    environment: str
    role: str
    region: str


def workflow_role(root: Path, environment: str, may: May) -> WorkflowRole:
    """Raises NoWorkflowRole naming the file and the key that is missing."""
    if environment not in ENVIRONMENTS:
        raise NoWorkflowRole(f"{environment} is no environment. Known: {', '.join(ENVIRONMENTS)}")
    config = stack_config(root, environment)
    for key in ("gatehouse:account", "aws:region"):
        if not config.get(key):
            raise NoWorkflowRole(f"{stack_path(environment)}: config: {key} is missing. Fix: add it there")
    return WorkflowRole(
        environment=environment if may == "apply" else f"{environment}-plan",
        role=f"arn:aws:iam::{config['gatehouse:account']}:role/gatehouse-github-{environment}-{may}",
        region=str(config["aws:region"]),
    )
