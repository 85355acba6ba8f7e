"""The estimate: what is counted, for how many hours, at which price, and what it admits not to know."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatehouse_platform.cli.show_cost import CostQuestion, estimates
from gatehouse_platform.config.settings import ENVIRONMENTS, STACKS
from gatehouse_platform.config.stack_config import read_config
from gatehouse_platform.offline.check import graph_of
from gatehouse_platform.offline.cost import Estimate, estimate, on_demand_share
from gatehouse_platform.offline.graph import Graph
from gatehouse_platform.offline.hours import hours_a_week
from gatehouse_platform.offline.prices import PriceError, load_prices
from gatehouse_platform.testing import component, resource, small_graph

Recorded = Callable[[str], Graph]
PRICES = load_prices()
WEEKDAYS = [("cron(0 7 ? * MON-FRI *)", True), ("cron(0 20 ? * MON-FRI *)", False)]
NETWORK = component("Network", "network")
DATABASE = component("Database", "database")


def service(count: int, *strategies: tuple[str, int, int]):
    each = [{"capacityProvider": name, "base": base, "weight": weight} for name, base, weight in strategies]
    return resource(
        "aws:ecs/service:Service",
        "demo",
        name="demo",
        desiredCount=count,
        taskDefinition="definition",
        capacityProviderStrategies=each,
    )


def definition():
    outputs = {"arn": "definition"}
    return resource("aws:ecs/taskDefinition:TaskDefinition", "demo", None, outputs, cpu="256", memory="512")


def database(**properties):
    asked = {"instanceClass": "db.t4g.micro", "allocatedStorage": 20, "multiAz": False, **properties}
    return resource("aws:rds/instance:Instance", "database", DATABASE, **asked)


def costs(found: Estimate) -> dict[str, float]:
    return {line.what: round(line.usd, 2) for line in found.lines}


def test_a_nat_gateway_costs_its_hours_and_the_assumed_traffic():
    found = estimate(small_graph(NETWORK, resource("aws:ec2/natGateway:NatGateway", "nat-0", NETWORK)), PRICES)
    assert costs(found) == {"NAT gateways": 37.96}
    assert found.parts() == {"network": pytest.approx(37.96)}


def test_two_zones_cost_twice_in_hours_and_storage():
    one = costs(estimate(small_graph(DATABASE, database()), PRICES))
    two = costs(estimate(small_graph(DATABASE, database(multiAz=True)), PRICES))
    assert one == {"db.t4g.micro": 13.87, "storage": 2.74}
    assert two == {"db.t4g.micro, two zones": 27.74, "storage": 5.48}


def test_a_database_that_sleeps_costs_fewer_hours_but_its_whole_storage():
    sleeping = [
        resource(
            "aws:scheduler/schedule:Schedule",
            call,
            scheduleExpression=expression,
            target={"arn": f"arn:aws:scheduler:::aws-sdk:rds:{call}"},
        )
        for call, expression in (("startDBInstance", WEEKDAYS[0][0]), ("stopDBInstance", WEEKDAYS[1][0]))
    ]
    found = costs(estimate(small_graph(DATABASE, database(), *sleeping), PRICES))
    assert found["db.t4g.micro"] == pytest.approx(13.87 * 65 / 168, abs=0.01)
    assert found["storage"] == 2.74


def test_a_task_costs_what_the_bill_says_that_the_price_comes_from():
    """The bill: 0.25 vCPU and 0.5 GB through June's 720 hours were 6.71 and 1.47 USD."""
    found = costs(estimate(small_graph(service(1, ("FARGATE", 0, 1)), definition()), PRICES))
    assert found["tasks on demand: vCPU"] == pytest.approx(6.71 * 730 / 720, abs=0.01)
    assert found["tasks on demand: memory"] == pytest.approx(1.47 * 730 / 720, abs=0.02)


@pytest.mark.parametrize(
    ("count", "strategies", "share"),
    [
        (1, [("FARGATE_SPOT", 0, 1)], 0.0),
        (2, [("FARGATE", 2, 3), ("FARGATE_SPOT", 0, 1)], 1.0),
        (6, [("FARGATE", 2, 3), ("FARGATE_SPOT", 0, 1)], 5 / 6),
        (4, [("FARGATE", 0, 1), ("FARGATE_SPOT", 0, 3)], 0.25),
        (1, [], 1.0),
    ],
)
def test_the_share_on_demand_is_base_and_weight(count, strategies, share):
    assert on_demand_share(service(count, *strategies)) == pytest.approx(share)


@pytest.mark.parametrize(
    ("actions", "hours"),
    [
        ([], 168),
        (WEEKDAYS, 65),
        ([WEEKDAYS[0], ("cron(0 20 ? * * *)", False)], 65),
        ([("cron(0 22 ? * SUN *)", True), ("cron(0 2 ? * MON *)", False)], 4),
        ([("cron(30 8 ? * MON,WED *)", True), ("cron(0 9 ? * MON,WED *)", False)], 1),
        ([("cron(0 20 ? * * *)", False)], 0),
    ],
)
def test_hours_of_a_week(actions, hours):
    assert hours_a_week(actions) == hours


def test_another_kind_of_schedule_is_refused_rather_than_guessed():
    with pytest.raises(ValueError, match="rate"):
        hours_a_week([("rate(1 hour)", True)])


def test_a_type_without_a_price_is_named_not_counted_as_free():
    found = estimate(small_graph(resource("aws:msk/cluster:Cluster", "events")), PRICES)
    assert (found.usd, found.unknown) == (0, ("aws:msk/cluster:Cluster",))


def test_another_region_is_refused():
    with pytest.raises(PriceError, match="us-east-1"):
        estimate(small_graph(region="us-east-1"), PRICES)


def test_an_instance_class_without_a_price_is_refused_with_the_fix():
    with pytest.raises(PriceError, match=r"has no db\.r8g\.large.*Add it from"):
        estimate(small_graph(DATABASE, database(instanceClass="db.r8g.large")), PRICES)


def test_every_price_names_its_source():
    every = [*PRICES.price.values(), *PRICES.database_hour.values()]
    assert all(price.source.startswith("https://aws.amazon.com/") and price.usd > 0 for price in every)


@pytest.mark.parametrize("stack", ["foundation", *ENVIRONMENTS])
def test_nothing_of_a_committed_stack_is_without_a_price(graph: Recorded, stack: str):
    assert estimate(graph(stack), PRICES).unknown == ()


def test_who_sleeps_logs_and_serves_nothing_meanwhile():
    log = resource("aws:cloudwatch/logGroup:LogGroup", "log", NETWORK)
    stop = resource(
        "aws:appautoscaling/scheduledAction:ScheduledAction",
        "stop",
        resourceId="service/cluster/demo",
        schedule="cron(0 20 ? * * *)",
        scalableTargetAction={"maxCapacity": 0},
    )
    running = costs(estimate(small_graph(NETWORK, log, service(1), definition()), PRICES))["logs"]
    assert running == pytest.approx(0.32, abs=0.01)
    assert "logs" not in costs(estimate(small_graph(NETWORK, log, service(1), definition(), stop), PRICES))


def test_the_hours_that_are_priced_are_those_of_the_schedules(graph: Recorded):
    """Tasks and collector from 8 to 18 on weekdays; the database from half an hour before to a quarter after."""
    lines = estimate(graph("dev"), PRICES).lines
    week = {line.part: line.quantity * 168 / 730 for line in lines if line.what == "tasks: public addresses"}
    groups = {one.name for one in graph("dev").of_type("gatehouse:platform:TaskGroup")}
    assert week.keys() == {*groups, "monitoring"}
    assert all(hours == pytest.approx(5 * 10) for hours in week.values())
    (database,) = (line.quantity for line in lines if line.what == "db.t4g.micro")
    assert database * 168 / 730 == pytest.approx(5 * 10.75)


@pytest.mark.deep
def test_samples_are_those_that_the_collector_of_the_stack_takes(root: Path, graph: Recorded):
    """Of every container of every task, as often as its configuration says, without the series that it drops."""

    def samples(**settings: object) -> float:
        config = read_config(root, "production") | {f"gatehouse:{key}": value for key, value in settings.items()}
        found = estimate(graph_of(root, "production", config=config), PRICES)
        return sum(line.quantity for line in found.lines if line.what == "metric samples")

    coarse, fine, often = samples(), samples(fine_latencies=True), samples(scrape_seconds=15)
    containers = 2 * len(graph("production").of_type("gatehouse:platform:Service"))
    series = PRICES.assumed["series_per_container"] + 18 * PRICES.assumed["routes_used"]
    assert fine == pytest.approx(containers * series * 60 * 730 / 1e6)
    assert often == pytest.approx(4 * coarse)
    assert fine / coarse == pytest.approx(308 / 196)


@pytest.mark.deep
def test_thirteen_services_cost_what_the_institute_can_pay(root: Path):
    """Generated ones stand in for those that aren't there yet. A part that grows is seen here."""

    def usd(**asked: Any) -> dict[str, float]:
        return {
            each.stack: each.usd for each in estimates(root, list(STACKS), PRICES, CostQuestion(services=13, **asked))
        }

    usual, between, lean = usd(), usd(parked=("test", "staging")), usd(lean=True)
    assert usual["production"] <= 240
    assert sum(usual.values()) <= 460
    assert sum(between.values()) <= 360
    assert sum(between.values()) - between["production"] <= 120
    assert sum(lean.values()) <= 200


def test_production_costs_more_than_dev_and_both_fit_their_budgets(graph: Recorded):
    found = {}
    for stack in ("dev", "production"):
        recorded = graph(stack)
        (budget,) = recorded.of_type("aws:budgets/budget:Budget")
        found[stack] = estimate(recorded, PRICES).usd
        assert found[stack] < float(budget.properties["limitAmount"])
    assert found["production"] > 2 * found["dev"]


@pytest.mark.deep
def test_each_way_out_has_its_price(root: Path):
    """Which is cheapest depends on the tasks: the settings' help sends people here."""
    prices = {}
    for egress in ("instance", "nat", "endpoints", "public"):
        config = msgspec.yaml.decode((root / "stacks/Pulumi.dev.yaml").read_bytes())["config"]
        config["gatehouse:network"] = {**config["gatehouse:network"], "egress": egress}
        prices[egress] = estimate(graph_of(root, "dev", config=config), PRICES).parts()["network"]
    assert prices["public"] < prices["instance"] < prices["nat"] < prices["endpoints"]
