"""Container definitions are canonical: the same content is the same text, and nothing is left to ECS to fill in."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_catalog import load_catalog
from gatehouse_platform.components import containers
from gatehouse_platform.components.containers import Container, container_definitions
from gatehouse_platform.config.settings import EnvironmentSettings
from gatehouse_platform.config.stack_config import read_config, read_stack
from gatehouse_platform.policies.ecs_schemas import validated

GOLDEN = Path(__file__).with_name("golden") / "container.json"
NAMES = st.text("ABCDEFG_", min_size=1, max_size=8)
TEXTS = st.text(max_size=12)


def golden_container() -> Container:
    return Container(
        name="library",
        image="111122223333.dkr.ecr.eu-central-1.amazonaws.com/ghcr/a/b/library@sha256:" + "a" * 64,
        log_group="/gatehouse/dev/library",
        region="eu-central-1",
        environment={"GATEHOUSE_PORT": "8499", "GATEHOUSE_ENVIRONMENT": "dev"},
        secrets={"GATEHOUSE_DATABASE_URL": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:x-AbCdEf:url::"},
        ports={"library": 8499},
        mounts={"scratch": "/tmp", "shell-lib": "/var/lib/amazon"},
        stop_seconds=45,
    )


def test_the_golden_definition():
    """Every default explicit, sorted. A change here makes a new revision of every task: look at the difference."""
    shown = json.dumps(json.loads(container_definitions(golden_container())), indent=2) + "\n"
    assert shown == GOLDEN.read_text()


def test_ecs_would_accept_it():
    request = {"family": "x", "containerDefinitions": json.loads(container_definitions(golden_container()))}
    assert list(validated("RegisterTaskDefinition", request)) == []


@given(
    environment=st.dictionaries(NAMES, TEXTS),
    secrets=st.dictionaries(NAMES, TEXTS),
    ports=st.dictionaries(NAMES, st.integers(1, 65535)),
    mounts=st.dictionaries(NAMES, TEXTS),
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_what_is_given_doesnt_matter(environment, secrets, ports, mounts, order):
    def container(name: str, *, shuffled: bool) -> Container:
        def as_given(mapping: dict) -> dict:
            entries = list(mapping.items())
            if shuffled:
                order.shuffle(entries)
            return dict(entries)

        return Container(
            name=name,
            image="i",
            log_group="l",
            region="r",
            environment=as_given(environment),
            secrets=as_given(secrets),
            ports=as_given(ports),
            mounts=as_given(mounts),
        )

    once = container_definitions(container("a", shuffled=False), container("b", shuffled=False))
    again = container_definitions(container("b", shuffled=True), container("a", shuffled=True))
    assert once == again


@given(name=NAMES, value=TEXTS, other=TEXTS)
def test_another_value_is_another_text(name, value, other):
    def of(text: str) -> str:
        return container_definitions(
            Container(name="a", image="i", log_group="l", region="r", environment={name: text})
        )

    assert (of(value) == of(other)) == (value == other)


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (3, "3"), (0.5, "0.5"), (["a", "b"], "a,b"), ("14d", "14d")]
)
def test_a_setting_is_written_as_the_chassis_reads_it(value, text):
    from gatehouse_catalog.structs import Setting
    from gatehouse_chassis.service.settings import parse

    kinds = {bool: "boolean", int: "integer", float: "number", list: "list", str: "text"}
    assert containers.setting_text(value) == text
    assert parse(msgspec.convert({"type": kinds[type(value)]}, Setting), text) == value


def settings(root: Path, name: str) -> EnvironmentSettings:
    read = read_stack(name, read_config(root, name), load_catalog(root)).settings
    assert isinstance(read, EnvironmentSettings)
    return read


@pytest.mark.parametrize("name", ["dev", "production"])
def test_the_stop_timeout_outlasts_the_drain_and_the_longest_request(root: Path, name: str):
    from gatehouse_chassis.serve import LONGEST_REQUEST

    wanted = settings(root, name)
    assert containers.LONGEST_REQUEST_SECONDS == LONGEST_REQUEST
    assert wanted.drain_seconds + LONGEST_REQUEST < containers.stop_seconds(wanted) <= 120
