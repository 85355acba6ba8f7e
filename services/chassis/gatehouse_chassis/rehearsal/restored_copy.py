"""The copy of an environment's database: restored beside it, looked at, and always deleted again.

What is assumed of AWS, each from its documentation (none of it could be tried here):
- RestoreDBInstanceToPointInTime takes the class, the groups, tags, no standby and BackupRetentionPeriod 0. It can't let
  RDS manage the master password: "Applies to RDS for Oracle only". RDS API reference (2014-10-31).
- ModifyDBInstance sets a new MasterUserPassword soon after, whatever the former one was; it "can't be specified if
  ManageMasterUserPassword is turned on", and a restored instance of PostgreSQL doesn't have it turned on. The same.
- An instance that is being created may refuse to be deleted: InvalidDBInstanceState. The same.
- LatestRestorableTime is some 5 minutes ago. RDS User Guide, USER_PIT.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from xml.etree import ElementTree

import msgspec

from gatehouse_catalog.rehearsal import REHEARSAL_TAG, RehearsalPlace
from gatehouse_chassis.rehearsal.aws_calls import AwsCalls, AwsRefused

POLL_SECONDS = 30.0
# A restore of some 50 GiB takes RDS about half an hour; a deletion some minutes.
PATIENCE_SECONDS = 5400.0
GONE, BUSY = "DBInstanceNotFound", "InvalidDBInstanceState"
LOST = ("failed", "incompatible-", "inaccessible-", "restore-error", "storage-full", "deleting")
# So far before the latest moment, so that there is an hour of decisions to do again.
BACK = timedelta(hours=1)


class RehearsalError(Exception):
    """The rehearsal didn't do what a restore must do; the message says what."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The instance that is restored from. `latest`: up to when RDS could restore it."""

    latest: datetime
    created: datetime
    subnet_group: str
    parameter_group: str

    @property
    def moment(self) -> datetime | None:
        """What to restore to; None for the latest moment, where the instance is too young for another."""
        back = self.latest - BACK
        return back if self.created < back - BACK else None


class RestoredCopy:
    """`password`: what the master user of the copy is given. `poll` and `patience` in seconds."""

    def __init__(
        self,
        wanted: RehearsalPlace,
        aws: AwsCalls,
        password: str,
        *,
        poll: float = POLL_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        if wanted.copy == wanted.source:
            raise RehearsalError(f"{wanted.copy} is the environment's own instance.")
        self._wanted, self._aws, self._password = wanted, aws, password
        self._poll, self._patience = poll, patience

    async def source(self) -> Source:
        found = await self._instance(self._wanted.source)
        latest = found.findtext("{*}LatestRestorableTime") if found is not None else None
        if found is None or latest is None:
            raise RehearsalError(f"RDS has no backup of {self._wanted.source}.")
        return Source(
            latest=datetime.fromisoformat(latest),
            created=datetime.fromisoformat(found.findtext("{*}InstanceCreateTime", latest)),
            subnet_group=found.findtext("{*}DBSubnetGroup/{*}DBSubnetGroupName", ""),
            parameter_group=found.findtext("{*}DBParameterGroups/{*}DBParameterGroup/{*}DBParameterGroupName", ""),
        )

    async def restore(self, source: Source) -> None:
        """Asks for it. The smallest one, without standby, backups, protection and logs."""
        wanted, moment = self._wanted, source.moment
        when = (
            {"UseLatestRestorableTime": "true"}
            if moment is None
            else {"RestoreTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}
        )
        tags = {REHEARSAL_TAG: wanted.environment, "gatehouse:environment": wanted.environment}
        listed = {
            f"Tags.Tag.{number}.{part}": text
            for number, tag in enumerate(tags.items(), 1)
            for part, text in zip(("Key", "Value"), tag, strict=True)
        }
        await self._aws.rds(
            "RestoreDBInstanceToPointInTime",
            SourceDBInstanceIdentifier=wanted.source,
            TargetDBInstanceIdentifier=wanted.copy,
            DBInstanceClass=wanted.instance_class,
            DBSubnetGroupName=source.subnet_group,
            DBParameterGroupName=source.parameter_group,
            **{"VpcSecurityGroupIds.VpcSecurityGroupId.1": wanted.security_group},
            MultiAZ="false",
            PubliclyAccessible="false",
            DeletionProtection="false",
            BackupRetentionPeriod="0",
            AutoMinorVersionUpgrade="false",
            CopyTagsToSnapshot="false",
            **when,
            **listed,
        )

    async def wait(self) -> tuple[str, int]:
        """Until it is there, with the password; its host and port."""
        found = await self._until(lambda status: status == "available", "isn't available")
        assert found is not None
        self._check_tag(found)
        await self._aws.rds(
            "ModifyDBInstance",
            DBInstanceIdentifier=self._wanted.copy,
            MasterUserPassword=self._password,
            ApplyImmediately="true",
        )
        host = found.findtext("{*}Endpoint/{*}Address", "")
        return host, int(found.findtext("{*}Endpoint/{*}Port", "5432"))

    async def delete(self) -> bool:
        """Deletes it without a last snapshot and waits until it is gone; whether there was one.

        Raises RehearsalError where what has its name isn't a copy of a rehearsal, or it doesn't go.
        """
        deadline = time.monotonic() + self._patience
        found = await self._instance(self._wanted.copy)
        if found is None:
            return False
        self._check_tag(found)
        while found is not None and found.findtext("{*}DBInstanceStatus") != "deleting":
            try:
                await self._aws.rds(
                    "DeleteDBInstance",
                    DBInstanceIdentifier=self._wanted.copy,
                    SkipFinalSnapshot="true",
                    DeleteAutomatedBackups="true",
                )
                break
            except AwsRefused as error:
                if error.code == GONE:
                    return True
                if error.code != BUSY or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(self._poll)
            found = await self._instance(self._wanted.copy)
        await self._until(None, "isn't gone")
        return True

    def _check_tag(self, found: ElementTree.Element) -> None:
        tags = {tag.findtext("{*}Key"): tag.findtext("{*}Value") for tag in found.findall("{*}TagList/{*}Tag")}
        if tags.get(REHEARSAL_TAG) != self._wanted.environment:
            raise RehearsalError(
                f"{self._wanted.copy} is no copy of a rehearsal: it hasn't the tag {REHEARSAL_TAG} = "
                f"{self._wanted.environment}. It is left alone; give it another name."
            )

    async def _instance(self, name: str) -> ElementTree.Element | None:
        try:
            answer = await self._aws.rds("DescribeDBInstances", DBInstanceIdentifier=name)
        except AwsRefused as error:
            if error.code == GONE:
                return None
            raise
        return answer.find(".//{*}DBInstances/{*}DBInstance")

    async def _until(self, done: Callable[[str], bool] | None, what: str) -> ElementTree.Element | None:
        """The instance once its status is so; with None, waits until it is gone."""
        deadline = time.monotonic() + self._patience
        while True:
            found = await self._instance(self._wanted.copy)
            status = found.findtext("{*}DBInstanceStatus", "") if found is not None else "gone"
            if (found is None) if done is None else done(status):
                return found
            if done is not None and (found is None or status.startswith(LOST)):
                raise RehearsalError(f"RDS couldn't restore it: {self._wanted.copy} is {status}.")
            if time.monotonic() > deadline:
                raise RehearsalError(f"After {self._patience / 60:.0f} minutes {self._wanted.copy} {what}: {status}.")
            await asyncio.sleep(self._poll)
