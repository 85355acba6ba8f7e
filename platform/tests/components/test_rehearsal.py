"""The monthly rehearsal of a restore, in the recorded graph: where it runs, what it may do, when somebody is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatehouse_catalog import load_catalog
from gatehouse_catalog.rehearsal import DAYS_SINCE, DIMENSION, FAILED, METRICS, REHEARSAL_VARIABLE, RehearsalPlace
from gatehouse_platform.config.off_hours import middle_of_day
from gatehouse_platform.config.settings import Shutdown
from gatehouse_platform.config.stack_config import read_config
from gatehouse_platform.offline.check import graph_of
from gatehouse_platform.offline.cost import estimate
from gatehouse_platform.offline.graph import Graph
from gatehouse_platform.offline.prices import load_prices
from gatehouse_platform.offline.reachability import connections

from .access.iam_evaluation import allowed

Graphs = Callable[[str], Graph]
NAME = "restore-rehearsal"
RDS = "arn:aws:rds:eu-central-1:111122223333"
SCHEDULE, ALARM = "aws:scheduler/schedule:Schedule", "aws:cloudwatch/metricAlarm:MetricAlarm"
TAG = "gatehouse:rehearsal"


def container(graph: Graph) -> dict[str, Any]:
    task = graph.named("aws:ecs/taskDefinition:TaskDefinition", NAME)
    (only,) = json.loads(task.properties["containerDefinitions"])
    return only


def statements(graph: Graph, role: str = NAME) -> list[dict[str, Any]]:
    return json.loads(graph.named("aws:iam/rolePolicy:RolePolicy", role).properties["policy"])["Statement"]


def test_production_rehearses_and_no_other(root: Path, graph: Graphs):
    found = graph("production")
    ran = container(found)
    (service,) = [each for each in load_catalog(root) if each.replays_log]
    assert f"/{service.name}@sha256:" in ran["image"]
    assert ran["command"] == ["rehearse", service.name]
    assert ran["secrets"] == [], "it signs in with a password that it sets itself, in the copy"
    (told,) = [each["value"] for each in ran["environment"] if each["name"] == REHEARSAL_VARIABLE]
    wanted = msgspec.json.decode(told, type=RehearsalPlace)
    assert (wanted.source, wanted.copy) == ("gatehouse-production", "gatehouse-production-restore-rehearsal")
    assert wanted.decisions == f"/gatehouse/production/{service.name}"
    copy = found.named("aws:ec2/securityGroup:SecurityGroup", f"{NAME}-copy")
    assert wanted.security_group == copy.id
    for name in ("dev", "test", "staging"):
        assert not [each for each in graph(name).resources if NAME in each.name]


def test_the_task_reaches_the_copy_and_not_the_database(graph: Graphs):
    ways = connections(graph("production"))
    assert {(way.target, way.port) for way in ways if way.source == NAME} == {
        ("internet", 443),
        (f"{NAME}-copy", 5432),
    }
    assert {way.source for way in ways if way.target == f"{NAME}-copy"} == {NAME}
    assert not [way for way in ways if way.target == NAME or way.source == f"{NAME}-copy"]


def test_it_may_change_only_a_copy_with_its_tag(graph: Graphs):
    may = statements(graph("production"))
    source, copy = f"{RDS}:db:gatehouse-production", f"{RDS}:db:gatehouse-production-restore-rehearsal"
    others = [source, f"{RDS}:db:gatehouse-staging", f"{RDS}:db:gatehouse-staging-restore-rehearsal"]
    mine, asked = {f"aws:ResourceTag/{TAG}": "production"}, {f"aws:RequestTag/{TAG}": "production"}
    for call in ("DeleteDBInstance", "ModifyDBInstance"):
        assert allowed(may, f"rds:{call}", copy, mine)
        assert not allowed(may, f"rds:{call}", copy, {}), "made by somebody else"
        for other in others:
            assert not allowed(may, f"rds:{call}", other, mine), other
    assert allowed(may, "rds:AddTagsToResource", copy, asked)
    assert not [other for other in others if allowed(may, "rds:AddTagsToResource", other, asked)]
    restore = "rds:RestoreDBInstanceToPointInTime"
    assert all(allowed(may, restore, each, asked) for each in (source, copy))
    assert not allowed(may, restore, copy, {}), "without its tag"
    assert not [other for other in others[1:] if allowed(may, restore, other, asked)]
    for call in ("CreateDBInstance", "StopDBInstance", "CreateDBSnapshot", "RebootDBInstance"):
        assert not allowed(may, f"rds:{call}", copy, mine)
    key = str(graph("production").named("aws:kms/key:Key", "governance").outputs["arn"])
    by_rds = {"kms:ViaService": "rds.eu-central-1.amazonaws.com", "kms:GrantIsForAWSResource": "true"}
    assert allowed(may, "kms:CreateGrant", key, by_rds)
    assert not allowed(may, "kms:CreateGrant", key, {"kms:GrantIsForAWSResource": "true"})
    assert not allowed(may, "kms:Decrypt", key, by_rds)


def test_it_starts_every_day_and_silence_is_an_alarm(graph: Graphs):
    found = graph("production")
    schedule = found.named(SCHEDULE, NAME).properties
    assert schedule["scheduleExpression"] == "cron(0 14 ? * * *)"
    started = schedule["target"]["ecsParameters"]
    assert started["taskCount"] == 1
    assert schedule["target"]["retryPolicy"]["maximumRetryAttempts"] == 0
    assert started["networkConfiguration"]["assignPublicIp"] is False
    late, failed = (found.named(ALARM, f"{NAME}-{what}").properties for what in ("late", "failed"))
    for alarm, metric in ((late, DAYS_SINCE), (failed, FAILED)):
        assert (alarm["namespace"], alarm["metricName"]) == (METRICS, metric)
        assert alarm["dimensions"] == {DIMENSION: "production"}
        assert alarm["period"] * alarm["evaluationPeriods"] <= 7 * 24 * 3600, "CloudWatch looks no further back"
        assert alarm["alarmActions"] == [found.named("aws:sns/topic:Topic", "alerts").outputs["arn"]]
    assert late["threshold"] + late["evaluationPeriods"] <= 40
    assert (late["treatMissingData"], failed["treatMissingData"]) == ("breaching", "notBreaching")


def test_it_is_priced(graph: Graphs):
    found = [line for line in estimate(graph("production"), load_prices()).lines if line.part == "rehearsal"]
    assert 0.1 < sum(line.usd for line in found) < 1.5
    assert {"copy: db.t4g.micro", "copy: storage", "rehearsal: vCPU", "alarm"} <= {line.what for line in found}


def test_elsewhere_it_is_a_setting_and_runs_while_the_environment_is_awake(root: Path):
    config = {**read_config(root, "dev"), "gatehouse:restore_rehearsal": True}
    schedule = graph_of(root, "dev", config=config).named(SCHEDULE, NAME).properties
    assert schedule["scheduleExpression"] == "cron(0 13 ? * MON-FRI *)"
    assert schedule["scheduleExpressionTimezone"] == "Europe/Berlin"


@pytest.mark.parametrize(("start", "stop", "middle"), [("07:00", "20:00", "13:30"), ("06:00", "11:30", "08:45")])
def test_the_middle_of_the_day(start: str, stop: str, middle: str):
    assert middle_of_day(Shutdown(start=start, stop=stop)) == middle
