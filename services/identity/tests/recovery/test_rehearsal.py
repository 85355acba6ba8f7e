"""The monthly rehearsal in AWS: moto's server plays RDS and CloudWatch Logs, a database of the tests the restored copy.

moto 5 restores an instance at once, and answers every log line whatever the pattern: what the rehearsal doesn't want,
it must tell itself. What only AWS does (an instance that can't be deleted yet) is set here.
"""

import asyncio
import dataclasses
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import psycopg
import pytest
from structlog.testing import capture_logs

from gatehouse_catalog import find_root, load_catalog, load_service
from gatehouse_catalog.rehearsal import DAYS_SINCE, FAILED, REHEARSAL_TAG, RehearsalPlace
from gatehouse_chassis import recover
from gatehouse_chassis.rehearsal.aws_calls import AwsCalls, AwsRefused
from gatehouse_chassis.rehearsal.log_groups import REHEARSED
from gatehouse_chassis.rehearsal.outcome import RPO, RTO
from gatehouse_chassis.rehearsal.rehearse import Rehearsing
from gatehouse_chassis.rehearsal.restored_copy import RehearsalError, RestoredCopy, Source
from gatehouse_local.testing.pytest_plugin import ROLE_PASSWORD

boto3 = pytest.importorskip("boto3", reason="boto3 isn't installed: uv sync --group platform")
moto_server = pytest.importorskip("moto.server", reason="moto isn't installed: uv sync --group platform")
ENVIRON = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
REGION = "eu-central-1"
# Roles are the server's, and other tests use it meanwhile.
MASTER = f"rehearsal_{os.getpid()}"
SERVICE = load_service(find_root(Path(__file__).parent) / "services" / "identity")
COPY, OTHERS = (
    "gatehouse-local-restore-rehearsal",
    ("gatehouse-local", "gatehouse-test", "gatehouse-test-restore-rehearsal"),
)


@dataclasses.dataclass
class World:
    """An account with the instances of two environments, and a copy of the other one's rehearsal."""

    address: str
    rds: Any
    logs: Any
    wanted: RehearsalPlace
    url: str
    place: tuple[str, int]
    calls: list[tuple[str, dict[str, str]]] = dataclasses.field(default_factory=list)
    fails: dict[str, list[BaseException]] = dataclasses.field(default_factory=dict)

    def names(self) -> list[str]:
        return sorted(each["DBInstanceIdentifier"] for each in self.rds.describe_db_instances()["DBInstances"])

    def log(self, group: str, *lines: dict[str, Any], at: datetime | None = None) -> None:
        stream = uuid4().hex
        self.logs.create_log_stream(logGroupName=group, logStreamName=stream)
        moment = int((at or datetime.now(UTC)).timestamp() * 1000)
        events = [{"timestamp": moment, "message": msgspec.json.encode(line, enc_hook=str).decode()} for line in lines]
        self.logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    def leave_a_copy(self, **tags: str) -> None:
        listed = [{"Key": key.replace("_", ":"), "Value": value} for key, value in tags.items()]
        self.rds.create_db_instance(DBInstanceIdentifier=COPY, Tags=listed, **INSTANCE)

    async def rehearse(self) -> tuple[bool, dict[str, Any]]:
        """Whether all was well, and the one line that says so."""
        aws = self.aws()
        with capture_logs() as logged:
            well = await Rehearsing(
                self.wanted, SERVICE, aws, password=ROLE_PASSWORD, poll=0.01, place=lambda _: self.place
            ).run()
        await aws.close()
        (line,) = [each for each in logged if "outcome" in each]
        return well, dict(line)

    def aws(self) -> AwsCalls:
        world = self

        class Watched(AwsCalls):
            async def rds(self, action: str, **given: str) -> Any:
                world.calls.append((action, given))
                if world.fails.get(action):
                    raise world.fails[action].pop(0)
                return await super().rds(action, **given)

        return Watched(REGION, endpoint=self.address, environ=ENVIRON)

    def given(self, action: str) -> list[dict[str, str]]:
        return [given for called, given in self.calls if called == action]


INSTANCE: dict[str, Any] = {
    "Engine": "postgres",
    "DBInstanceClass": "db.t4g.medium",
    "AllocatedStorage": 50,
    "MasterUsername": "gatehouse_master",
    "MasterUserPassword": "for-tests-only",
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    made = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    made.start()
    yield "http://{}:{}/".format(*made.get_host_and_port())
    made.stop()


@pytest.fixture
def world(server: str, postgres: Any, database_url: str) -> Iterator[World]:
    given = {"region_name": REGION, "endpoint_url": server, "aws_access_key_id": "a", "aws_secret_access_key": "b"}
    rds, logs = boto3.client("rds", **given), boto3.client("logs", **given)
    tag = {"Tags": [{"Key": REHEARSAL_TAG, "Value": "test"}]}
    for name in OTHERS:
        rds.create_db_instance(DBInstanceIdentifier=name, **INSTANCE, **(tag if name.endswith("rehearsal") else {}))
    wanted = RehearsalPlace(
        environment="local",
        region=REGION,
        source="gatehouse-local",
        copy=COPY,
        instance_class="db.t4g.micro",
        security_group="sg-0123456789abcdef0",
        master=MASTER,
        database=urlsplit(database_url).path.removeprefix("/"),
        options="",
        decisions="/gatehouse/local/identity",
        outcomes="/gatehouse/local/restore-rehearsal",
    )
    for group in (wanted.decisions, wanted.outcomes):
        logs.create_log_group(logGroupName=group)
    parts = urlsplit(database_url)
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(f"create role {MASTER} superuser login password '{ROLE_PASSWORD}'".encode())
        place = (parts.hostname or "", parts.port or 0)
        yield World(address=server, rds=rds, logs=logs, wanted=wanted, url=database_url, place=place)
        admin.execute(f"drop role {MASTER}".encode())
    for name in [each["DBInstanceIdentifier"] for each in rds.describe_db_instances()["DBInstances"]]:
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    for group in (wanted.decisions, wanted.outcomes):
        logs.delete_log_group(logGroupName=group)


def a_role(url: str) -> tuple[str, str, dict[str, Any]]:
    """A grant in the copy, its account, and the line that says that it was revoked since."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select id, account_id from identity.role_grant where revoked_at is null").fetchone()
    assert row is not None
    grant, account = map(str, row)
    details = {"grant": grant, "role": "member"}
    line = {"event": "audit", "id": uuid4(), "timestamp": datetime.now(UTC), "action": "role_revoked"}
    return grant, account, {**line, "subject": account, "details": details, "by": account}


async def test_it_restores_replays_reads_measures_and_deletes(world: World) -> None:
    grant, _, revoked = a_role(world.url)
    world.log(world.wanted.decisions, {"event": "request", "path": "/"}, revoked)
    well, line = await world.rehearse()
    assert well, line
    assert (line["event"], line["outcome"], line["reason"]) == (REHEARSED, "ok", "")
    assert line["replayed"] == {"decisions": 1, "roles_revoked": 1}
    assert line["still_open"] == []
    with psycopg.connect(world.url) as connection:
        (at,) = connection.execute("select revoked_at from identity.role_grant where id = %s", [grant]).fetchone() or (
            0,
        )
        (people,) = connection.execute("select count(*) from person.person").fetchone() or (0,)
    assert at is not None
    assert len(line["rows"]) > 5
    assert line["rows"]["person"] >= people > 0
    assert world.names() == sorted(OTHERS), "the copy is gone, and nothing else"

    assert 0 <= line[RPO] < 1
    assert 0 < line[RTO] < 5
    assert (line[DAYS_SINCE], line[FAILED], line["Environment"]) == (0, 0, "local")
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert [each["Name"] for each in directive["Metrics"]] == sorted([DAYS_SINCE, FAILED, RPO, RTO])

    (asked,) = world.given("RestoreDBInstanceToPointInTime")
    assert (asked["SourceDBInstanceIdentifier"], asked["TargetDBInstanceIdentifier"]) == ("gatehouse-local", COPY)
    assert (asked["DBInstanceClass"], asked["BackupRetentionPeriod"]) == ("db.t4g.micro", "0")
    assert {asked[each] for each in ("MultiAZ", "PubliclyAccessible", "DeletionProtection")} == {"false"}
    assert asked["VpcSecurityGroupIds.VpcSecurityGroupId.1"] == world.wanted.security_group
    (changed,), (deleted,) = world.given("ModifyDBInstance"), world.given("DeleteDBInstance")
    assert changed["DBInstanceIdentifier"] == deleted["DBInstanceIdentifier"] == COPY
    assert deleted["SkipFinalSnapshot"] == "true"

    # Tomorrow nothing is due, which the line says, too.
    world.log(world.wanted.outcomes, {**line, "restored_to": None}, at=datetime.now(UTC) - timedelta(days=2))
    well, line = await world.rehearse()
    assert (well, line["event"]) == (True, "restore rehearsal isn't due")
    assert 1.9 < line[DAYS_SINCE] < 2.1
    assert len(world.given("RestoreDBInstanceToPointInTime")) == 1


@pytest.mark.parametrize(
    ("action", "error", "says"),
    [
        ("RestoreDBInstanceToPointInTime", AwsRefused("Restore", "InsufficientDBInstanceCapacity", "none"), "Capacity"),
        ("ModifyDBInstance", AwsRefused("ModifyDBInstance", "AccessDenied", "not yours"), "AccessDenied: not yours"),
        ("ModifyDBInstance", RuntimeError("a fault of ours"), "RuntimeError: a fault of ours"),
        ("ModifyDBInstance", asyncio.CancelledError(), "CancelledError"),  # the task is stopped
    ],
)
async def test_what_fails_is_said_and_the_copy_is_deleted(
    world: World, action: str, error: BaseException, says: str
) -> None:
    world.fails[action] = [error]
    well, line = await world.rehearse()
    assert not well
    assert (line["event"], line["outcome"]) == (REHEARSED, "failed")
    assert says in line["reason"]
    assert (line[FAILED], line[DAYS_SINCE]) == (1, 60)
    assert world.names() == sorted(OTHERS)
    # A failure is no success: it is tried again the next day.
    world.log(world.wanted.outcomes, {**line, "restored_to": None})
    well, line = await world.rehearse()
    assert well, line


async def test_another_environments_database_is_no_success(world: World) -> None:
    world.wanted = msgspec.structs.replace(world.wanted, environment="production")
    well, line = await world.rehearse()
    assert not well
    assert "The copy is the database of local, not of production." in line["reason"]
    assert world.names() == sorted(OTHERS)


async def test_a_right_that_a_replay_leaves_open_is_no_success(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    grant, _, revoked = a_role(world.url)
    world.log(world.wanted.decisions, revoked)

    async def nothing(*_: Any) -> dict[str, int]:
        return {}

    monkeypatch.setattr("gatehouse_chassis.recover.recover", nothing)
    well, line = await world.rehearse()
    assert not well
    assert line["still_open"] == [f"role grant {grant}"]


async def test_a_leftover_is_deleted_first_even_where_nothing_is_due(world: World) -> None:
    world.log(world.wanted.outcomes, {"event": REHEARSED, "outcome": "ok"})
    world.leave_a_copy(gatehouse_rehearsal="local")
    # As an instance that is still being made.
    world.fails["DeleteDBInstance"] = [AwsRefused("DeleteDBInstance", "InvalidDBInstanceState", "creating")]
    well, line = await world.rehearse()
    assert (well, line["leftover"], line["event"]) == (True, True, "restore rehearsal isn't due")
    assert world.names() == sorted(OTHERS)
    assert len(world.given("DeleteDBInstance")) == 2


@pytest.mark.parametrize("tags", [{}, {"gatehouse_rehearsal": "test"}])
async def test_what_has_not_its_tag_is_left_alone(world: World, tags: dict[str, str]) -> None:
    world.leave_a_copy(**tags)
    well, line = await world.rehearse()
    assert not well
    assert f"hasn't the tag {REHEARSAL_TAG} = local. It is left alone" in line["reason"]
    assert world.names() == sorted([*OTHERS, COPY])
    assert {action for action, _ in world.calls} == {"DescribeDBInstances"}


def test_the_catalog_says_whose_decisions_are_done_again() -> None:
    root = find_root(Path(__file__).parent)
    for service in load_catalog(root):
        assert service.replays_log == recover.is_recovered(service), service.name


async def test_a_copy_is_never_the_source(world: World) -> None:
    with pytest.raises(RehearsalError, match="own instance"):
        RestoredCopy(msgspec.structs.replace(world.wanted, copy="gatehouse-local"), world.aws(), "")


async def test_it_goes_back_an_hour_where_the_instance_is_old_enough(world: World) -> None:
    now = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
    groups = {"subnet_group": "", "parameter_group": ""}
    old = Source(latest=now, created=now - timedelta(days=1), **groups)
    assert old.moment == now - timedelta(hours=1)
    assert Source(latest=now, created=now - timedelta(minutes=90), **groups).moment is None
    await RestoredCopy(world.wanted, world.aws(), "").restore(old)
    (asked,) = world.given("RestoreDBInstanceToPointInTime")
    assert asked["RestoreTime"] == "2026-11-30T11:00:00Z"
    assert "UseLatestRestorableTime" not in asked


async def test_a_log_that_cannot_be_read_is_a_failure_that_is_said(world: World) -> None:
    world.wanted = msgspec.structs.replace(world.wanted, outcomes="/gatehouse/local/nothing")
    well, line = await world.rehearse()
    assert (well, line[FAILED]) == (False, 1)
    assert "ResourceNotFoundException" in line["reason"]
    assert DAYS_SINCE not in line
