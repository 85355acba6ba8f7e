"""What a stack file may say: wrong keys are refused with their path and the nearest right one."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from gatehouse_catalog import Catalog, load_catalog
from gatehouse_platform.config.settings import STACKS, EnvironmentSettings
from gatehouse_platform.config.settings_schema import stack_schema
from gatehouse_platform.config.stack_config import StackError, parse_config, read_config, read_stack

DIGEST = "sha256:" + "a" * 64


@pytest.fixture(scope="module")
def catalog(root: Path) -> Catalog:
    return load_catalog(root)


def read(root: Path, catalog: Catalog, **changes: Any) -> EnvironmentSettings:
    config = read_config(root, "dev") | {f"gatehouse:{key}": value for key, value in changes.items()}
    settings = read_stack("dev", config, catalog).settings
    assert isinstance(settings, EnvironmentSettings)
    return settings


def refused(root: Path, catalog: Catalog, **changes: Any) -> str:
    with pytest.raises(StackError) as caught:
        read(root, catalog, **changes)
    return str(caught.value)


@pytest.mark.parametrize("name", STACKS)
def test_every_committed_stack_file_is_read(root: Path, catalog: Catalog, name: str):
    assert read_stack(name, read_config(root, name), catalog).name == name


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"networ": {}}, 'config.gatehouse:networ = {}: is not a known key. Did you mean "network"?'),
        (
            {"network": {"cidr": "10.1.0.0/16", "egres": "nat"}},
            'config.gatehouse:network.egres = nat: is not a known key. Did you mean "egress"?',
        ),
        (
            {"releases": {"person": {"tag": "v1", "digst": DIGEST}}},
            "gatehouse:releases.person.digst = sha256:aaaaa",
        ),
        (
            {"releases": {"persn": {"tag": "v1", "digest": DIGEST}}},
            'releases.persn: is no service. Did you mean "person"?',
        ),
        ({"services": {"person": {"settings": {"intro_timeout": 3}}}}, 'Did you mean "intro_timeout_days"?'),
        (
            {"services": {"person": {"settings": {"intro_timeout_days": 0}}}},
            "settings.intro_timeout_days = 0: is below",
        ),
        ({"services": {"identity": {"secrets": {"oidc_issuer": "given"}}}}, "is not one of the secrets of identity."),
        (
            {"services": {"communication": {"settings": {"mail_from": "hello@example.org"}}}},
            "mail_from = hello@example.org: is no address at dev.gatehouse.example, the only domain that SES sends for",
        ),
        ({"services": {"communication": {"settings": {"mail_from": "dev.gatehouse.example"}}}}, "is no address at"),
        ({"services": {"communication": {"settings": {"mail_from": "a@xdev.gatehouse.example"}}}}, "is no address at"),
        ({"services": {"communication": {"settings": {"mail_topic": "arn"}}}}, "mail_topic: is set by the platform"),
        ({"services": {"person": {"cpu": 512, "memory": 512}}}, "is no legal memory beside that cpu. Legal: 1024"),
        (
            {"groups": {"members": {"services": ["persn"]}}},
            'groups.members.services = persn: is no service. Did you mean "person"',
        ),
        (
            {"groups": {"members": {"services": ["person", "ledger"]}}},
            "groups.members.services = ledger: runs alone: services/ledger/service.toml says so (runs_alone).",
        ),
        (
            {"groups": {"one": {"services": ["person", "topics"]}, "other": {"services": ["topics", "partner"]}}},
            "groups.other.services = topics: is in one already. Remove one: a service has one task.",
        ),
        (
            {
                "groups": {
                    "all": {"services": ["communication", "curriculum", "encounter", "partner", "person", "topics"]}
                }
            },
            "groups.all = 6: has more than 5 services: ECS takes no more target groups for one. Make two groups of it.",
        ),
        ({"groups": {"person": {"services": ["partner", "topics"]}}}, "groups.person: is the name of a service."),
        (
            {"groups": {"edge": {"services": ["partner"]}}},
            "groups.edge: is the name of another part of an environment.",
        ),
        ({"groups": {"Members": {"services": ["partner"]}}}, "groups.Members: is no name of a group. Use 2 to 20"),
        (
            {"groups": {"one": {"servces": ["partner"]}}},
            "one.servces = ['partner']: is not a known key. Did you mean",
        ),
        (
            {"groups": {"one": {"services": ["partner"], "cpu": 300}}},
            "groups.one.cpu = 300: is no legal cpu. Legal: 256",
        ),
        (
            {"groups": {"one": {"services": ["partner"], "cpu": 512, "memory": 512}}},
            "groups.one.memory = 512: is no legal memory beside 512 CPU units. Legal: 1024",
        ),
        ({"groups": {"one": {"services": ["partner"], "min": 3, "max": 2}}}, "groups.one.max = 2: is below min, 3."),
        (
            {"groups": {"one": {"services": ["partner"]}}, "services": {"partner": {"min": 2}}},
            "services.partner.min: belongs to its group: config.gatehouse:groups.one.min. Move it there.",
        ),
        (
            {"groups": {"one": {"services": ["partner"]}}, "services": {"partner": {"deployment": "blue_green"}}},
            "services.partner.deployment: is for a service with tasks of its own",
        ),
        ({"account": 111122223333}, "gatehouse:account = 111122223333: expected `str`, got `int`. Put it in quotes."),
        ({"network": {"cidr": "10.1.0.0/16", "zones": 1}}, "gatehouse:network.zones = 1: expected `int` >= 2"),
        ({"capacity": {"spot_weight": 0}}, "no task could be placed"),
        (
            {"releases": {"person": {"tag": "v1", "digest": DIGEST}}},
            "releases.person.database_digest: is missing: the service has a database.",
        ),
    ],
)
def test_a_wrong_key_is_refused_with_its_path_and_the_fix(root: Path, catalog: Catalog, changes: dict, said: str):
    message = refused(root, catalog, **changes)
    assert said in message
    assert message.startswith("stacks/Pulumi.dev.yaml: ")


def test_every_wrong_key_is_named_at_once(root: Path, catalog: Catalog):
    message = refused(root, catalog, networ={}, budget={})
    assert len(message.splitlines()) == 2


@pytest.mark.parametrize(("key", "fix"), [("aws:regoin", "aws:region"), ("gatehose:tier", "gatehouse:tier")])
def test_a_key_of_nobody_is_refused(root: Path, catalog: Catalog, key: str, fix: str):
    config = read_config(root, "dev") | {key: "x"}
    with pytest.raises(StackError, match=rf'Did you mean "{fix}"'):
        read_stack("dev", config, catalog)


@pytest.mark.parametrize("tag", ["20261123", "1e10", ""])
def test_a_tag_that_yaml_would_take_for_a_number_is_refused(root: Path, catalog: Catalog, tag: str):
    release = {"tag": tag, "digest": DIGEST, "database_digest": DIGEST}
    assert "gatehouse:releases" in refused(root, catalog, releases={"person": release})


def test_a_stack_of_another_name_is_refused(root: Path, catalog: Catalog):
    with pytest.raises(StackError, match=r'is no stack. Did you mean "staging"'):
        read_stack("stagin", read_config(root, "staging"), catalog)


def test_a_file_that_is_missing_or_no_yaml_is_named(tmp_path: Path):
    (tmp_path / "stacks").mkdir()
    with pytest.raises(StackError, match=r"stacks/Pulumi.dev.yaml: doesn't exist"):
        read_config(tmp_path, "dev")
    with pytest.raises(StackError, match="is not YAML"):
        parse_config("config: [", "dev")
    with pytest.raises(StackError, match=r'confg: is not a known key. Did you mean "config"'):
        parse_config("confg: {}", "dev")


def test_a_tier_says_what_the_file_doesnt(root: Path, catalog: Catalog):
    assert read(root, catalog).network.egress == "public"
    assert read(root, catalog, tier="production").firewall
    assert read(root, catalog, shutdown=None).shutdown is None


def test_values_are_the_same_as_text_from_pulumi(root: Path, catalog: Catalog):
    config = read_config(root, "production")
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    assert read_stack("production", texts, catalog) == read_stack("production", config, catalog)


@pytest.mark.parametrize("name", STACKS)
def test_the_schema_for_editors_accepts_what_we_accept(root: Path, name: str):
    content = YAML(typ="safe", pure=True).load((root / "stacks" / f"Pulumi.{name}.yaml").read_text())
    jsonschema.validate(content, stack_schema())
    content["config"]["gatehouse:networ"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, stack_schema())


@pytest.mark.parametrize("name", STACKS)
def test_the_comment_at_the_top_of_a_stack_file_belongs_to_no_key(root: Path, name: str):
    """`pulumi stack init` writes `secretsprovider` anew and drops the comment right above it."""
    lines = (root / "stacks" / f"Pulumi.{name}.yaml").read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=schema.json"
    first = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    assert lines[first] == ""
