"""By which credentials an environment is looked at: one's own, or the role that lets its successor look.

A job that changes test is denied all that is dev's, and yet must see that what it promotes runs there: it takes dev's
looking role for that (gatehouse_platform.components.access.github_access). People look by their own sign-in.
"""

import re
from collections.abc import Callable
from typing import Any

JOB = re.compile(r":assumed-role/gatehouse-github-(?P<environment>[a-z]+)-apply/")


class Looking:
    """boto3 sessions by environment. `account_of` names an environment's AWS account."""

    def __init__(self, session: Any, account_of: Callable[[str], str]) -> None:
        self._session = session
        self._account_of = account_of
        self._own: str | None = None
        self._others: dict[str, Any] = {}

    def session(self, environment: str, region: str) -> Any:
        """One's own session, but for a job of another environment. Raises what botocore raises."""
        if self._own is None:
            who = self._session.client("sts", region_name=region).get_caller_identity()["Arn"]
            job = JOB.search(who)
            self._own = job["environment"] if job else ""
        if self._own in ("", environment):
            return self._session
        if environment not in self._others:
            self._others[environment] = self._assume(environment, region)
        return self._others[environment]

    def _assume(self, environment: str, region: str) -> Any:
        role = f"arn:aws:iam::{self._account_of(environment)}:role/gatehouse-github-{environment}-look"
        sts = self._session.client("sts", region_name=region)
        # A session by way of another lasts an hour at most (IAM, role chaining): longer than a workflow's job looks.
        answer = sts.assume_role(RoleArn=role, RoleSessionName=f"gatehouse-{self._own}-looks")["Credentials"]
        return type(self._session)(
            aws_access_key_id=answer["AccessKeyId"],
            aws_secret_access_key=answer["SecretAccessKey"],
            aws_session_token=answer["SessionToken"],
        )
