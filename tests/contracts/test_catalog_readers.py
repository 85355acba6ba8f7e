"""Every legal entry of the catalog means the same to each of its readers: none crashes on it, none leaves it out.

A checkout of generated entries is written as files, so that reading them is part of the test, and given to the local
runner, compose, the platform's program, images, workflows, rules, the affected parts and a service's own start.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gatehouse_catalog import Catalog, CatalogError, find_root, load_catalog
from gatehouse_catalog.rules import FARGATE_MEMORY_MIB, RESERVED_NAMES, free_port
from gatehouse_catalog.structs import MAIL_SETTINGS
from gatehouse_chassis import ServiceContext, create_app
from gatehouse_ci.affected.decide import House
from gatehouse_ci.affected.uv_lock import Lock
from gatehouse_ci.images.build import images_of
from gatehouse_ci.workflows.generate import with_domains
from gatehouse_local.checks.import_contracts import contracts
from gatehouse_local.compose import compose_file
from gatehouse_local.runner import prometheus_process
from gatehouse_local.runner.platform_specs import LocalPlatform, Location, selection
from gatehouse_local.scaffold import refuse_name
from gatehouse_local.workspace import members
from gatehouse_observability.prometheus import local_files, rule_groups
from gatehouse_portal.areas.operations.service_status import StatusProbe

Entry = dict[str, Any]
yaml = YAML()

# compose.yaml has containers and profiles of its own under these names, and says so when a service takes one.
TAKEN = RESERVED_NAMES | compose_file.OWN
NAMES = st.from_regex(r"[a-z][a-z0-9]{1,12}(-[a-z0-9]{1,8})?", fullmatch=True).filter(
    lambda name: name not in TAKEN and not name.endswith("-database")
)
WORDS = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
JOBS = st.sampled_from([{}, {"every": "10s"}, {"every": "366d"}, {"at": "03:30", "zone": "Europe/Berlin"}]).map(
    lambda schedule: {"help": "x", **schedule}
)
SUMMARIES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=120)
SETTINGS = {
    "text": st.none() | st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=20),
    "integer": st.none() | st.integers(-5, 5),
    "number": st.none() | st.floats(-5, 5),
    "boolean": st.none() | st.booleans(),
    "duration": st.none() | st.sampled_from(["30s", "1.5h"]),
    "url": st.none() | st.just("https://example.org"),
    "list": st.none() | st.lists(st.sampled_from("abc"), max_size=3),
}


@st.composite
def setting(draw: st.DrawFn) -> Entry:
    secret = draw(st.booleans())
    kind = "text" if secret else draw(st.sampled_from(sorted(SETTINGS)))
    default = None if secret else draw(SETTINGS[kind])
    return {"type": kind, "secret": secret, "help": "x", **({} if default is None else {"default": default})}


PATHS = {"api": ["/api/{}"], "web": ["/{}", "/pages/{}"], "app": ["/apps/{}"]}


@st.composite
def entry(draw: st.DrawFn, name: str, number: int, callable_names: list[str]) -> Entry:
    kind = draw(st.sampled_from(["api", "api", "web", "app"]))
    cpu = draw(st.sampled_from([256, 512, 1024]))
    least = draw(st.integers(0, 2))
    found: Entry = {
        "name": name,
        "domain": draw(st.sampled_from(["people", "learning", name])),
        "summary": draw(SUMMARIES),
        "kind": kind,
        "path": draw(st.sampled_from(PATHS[kind])).format(name),
        "port": 9000 + number,
    }
    optional = {
        "database": {"schema": name.replace("-", "_"), "needs": {}, "pool": draw(st.integers(2, 10))},
        "uses": {"services": draw(st.lists(st.sampled_from(callable_names), unique=True)) if callable_names else []},
        "settings": draw(st.dictionaries(WORDS, setting(), max_size=3)),
        "compute": {"cpu": cpu, "memory": draw(st.sampled_from(list(FARGATE_MEMORY_MIB[cpu])))},
        "scaling": {"min": least, "max": draw(st.integers(max(1, least), 4))},
        "objectives": {"availability": draw(st.floats(90, 99.99)), "latency_p99_ms": draw(st.integers(1, 10_000))},
    }
    if kind == "app":  # its image serves files
        del optional["database"], optional["settings"]
    found |= {key: value for key, value in optional.items() if draw(st.booleans())}
    if "database" in found and draw(st.booleans()):
        words = draw(st.lists(st.sampled_from(["joined", "gone", "noun.verb"]), unique=True))
        found["events"] = {"publishes": [f"{name}.{word}" for word in words]}
    return found | ({"jobs": draw(st.dictionaries(WORDS, JOBS, max_size=2))} if "database" in found else {})


@st.composite
def entries(draw: st.DrawFn, most: int, least: int = 1) -> list[Entry]:
    names = draw(st.lists(NAMES, min_size=least, max_size=most, unique_by=lambda name: name.replace("-", "_")))
    drawn: list[Entry] = []
    for number, name in enumerate(names):
        drawn.append(draw(entry(name, number, [one["name"] for one in drawn if one["kind"] != "app"])))
    apis = [one for one in drawn if one["kind"] == "api"]
    if apis and draw(st.booleans()):
        sender = draw(st.sampled_from(apis))
        own = {key: {"type": "text", "help": "x"} for key in MAIL_SETTINGS}
        sender |= {"sends_mail": True, "settings": {**sender.get("settings", {}), **own}}
    if apis and draw(st.booleans()):
        draw(st.sampled_from(apis)).update(runs_alone=True, seals_keys=True)
    published = [event for one in drawn for event in one.get("events", {}).get("publishes", [])]
    for one in drawn:  # any follows any: no order, and circles
        others = [event for event in published if event.partition(".")[0] != one["name"]]
        if "database" in one and others and draw(st.booleans()):
            handled = draw(st.lists(st.sampled_from(others), unique=True, max_size=3))
            one.setdefault("events", {})["handles"] = dict.fromkeys(handled, "take")
    return drawn


TRIED: list[int] = []  # entries of each checkout
RECORDED: list[int] = []  # the same, of those that the platform recorded
SMALLEST = {"name": "lone", "domain": "people", "summary": "The smallest there is", "path": "/api/lone", "port": 9900}
"""No database, no secret, no use of another: what once stopped the platform's program."""
APP = SMALLEST | {"name": "shown", "kind": "app", "path": "/apps/shown", "port": 9901, "uses": {"services": ["lone"]}}


def written(folder: Path, catalog: list[Entry]) -> Catalog:
    """A checkout with these entries, read back."""
    (folder / "services" / "catalog").mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").touch()
    for service in catalog:
        file = folder / "services" / service["name"] / "service.toml"
        file.parent.mkdir()
        file.write_text("\n".join(_toml(service)), encoding="utf-8")
    return load_catalog(folder)


def _toml(table: Entry, prefix: str = "") -> list[str]:
    plain = [
        f"{_key(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items() if not _is_table(value)
    ]
    lines = [f"[{prefix}]", *plain] if prefix else plain
    for key, value in table.items():
        if _is_table(value):
            lines += _toml(value, f"{prefix}.{key}" if prefix else key)
    return lines


def _key(key: str) -> str:
    return json.dumps(key) if "." in key else key


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def check_local(root: Path, catalog: Catalog) -> None:
    local = LocalPlatform(Location(root, root / "state", 100))
    # Its files are written and its command is made; nothing is started, so it needn't be installed.
    with patch.object(prometheus_process, "find", return_value="prometheus"):
        specs = {spec.name: spec for spec in local.specs(selection(["all", "--observe"]))}
    assert set(catalog.names) <= set(specs)
    for service in catalog:
        assert specs[service.name].port == service.port + 100
        assert {other.name for other in catalog.uses(service)} <= set(specs[service.name].needs)
        # Its environment is one that the service itself starts with.
        context = ServiceContext.load(service.folder, specs[service.name].environment)
        assert {other.name for other in catalog.callees(service)} <= set(context.addresses)
        assert len(context.peer_key) >= 32 or not service.has_events
    routes = json.loads(specs["edge"].environment["GATEHOUSE_EDGE_ROUTES"])
    assert {(route["service"], route["path"]) for route in routes} == {(one.name, one.path) for one in catalog}
    assert {one.name for one in selection(["api"]).services(catalog)} >= {one.name for one in catalog.apis}
    assert free_port(catalog) not in {service.port for service in catalog}


def check_derived(catalog: Catalog) -> None:
    """What needs the catalog only."""
    document = compose_file.document(catalog)
    assert set(catalog.names) <= set(document["services"])
    assert all(service.name in compose_file.profiles_of(catalog)[service.name] for service in catalog)
    secrets = compose_file.secret_files(catalog)
    for service in catalog:
        wanted = service.database or any(one.secret for one in service.settings.values())
        assert (f"{service.name}/environment" in secrets) == bool(wanted)
        assert (f"{service.name}-database" in document["services"]) == bool(service.database)
    assert {image.service for image in images_of(catalog)} == set(catalog.names)
    assert all(
        f"- {domain}\n" in with_domains("# <domains>\n# </domains>", catalog.domains) for domain in catalog.domains
    )
    groups = {group.name for group in rule_groups(catalog)}
    assert groups >= {f"gatehouse-{service.name}" for service in catalog}
    local_files(catalog, {service.name: f"127.0.0.1:{service.port}" for service in catalog})
    probe = StatusProbe({service.name: f"http://127.0.0.1:{service.port}" for service in catalog})
    assert set(probe.names) == set(catalog.names)
    house = House(catalog, Lock("package = []"))
    assert all(house.owner(f"services/{service.name}/x.py") for service in catalog)


def check_workspace(root: Path, catalog: Catalog) -> None:
    """Who may import whom, and what `gate new service` does beside these entries."""
    for service in catalog:
        (service.folder / "pyproject.toml").write_text(f'[project]\nname = "gatehouse-{service.name}"\n')
    (root / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["services/*"]\n')
    held = {one["id"]: one for one in contracts([*members(root).values()]) if one["type"] == "forbidden"}
    packages = {service.package for service in catalog}
    assert all(packages - {package} <= set(held[package]["forbidden_modules"]) for package in packages)
    refuse = partial(refuse_name, catalog, domain=catalog[catalog.names[0]].domain, aggregate="shelf", new_domain=False)
    refuse(folder=root / "services" / "newest-of-all", name="newest-of-all")
    for name in catalog.names:
        with pytest.raises(CatalogError):
            refuse(folder=root / "services" / name, name=name)


def check_platform(root: Path, catalog: Catalog) -> None:
    from gatehouse_platform.offline.check import graph_of
    from gatehouse_platform.policies import violations

    graph = graph_of(root, "dev")
    services = {one.name for one in graph.of_type("aws:ecs/service:Service")}
    assert services >= set(catalog.names)
    # The load balancer of pulumi-awsx brings one of its own, which nothing uses.
    targets = [one for one in graph.of_type("aws:lb/targetGroup:TargetGroup") if "awsx:lb:" not in one.urn]
    assert len(targets) == len(catalog)
    assert violations(graph) == []


# No shrinking: an example takes a tenth of a second and more, and says what it is.
SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])


@settings(SLOW, max_examples=5)
@given(entries(6))
def test_every_reader_takes_every_legal_entry(tmp_path_factory: pytest.TempPathFactory, drawn: list[Entry]) -> None:
    root = tmp_path_factory.mktemp("checkout")
    catalog = written(root, drawn)
    check_derived(catalog)
    check_local(root, catalog)
    check_workspace(root, catalog)
    TRIED.append(len(catalog))


@pytest.mark.deep
@settings(SLOW, max_examples=90)
@given(entries(8))
def test_every_reader_takes_hundreds_of_legal_entries(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Entry]
) -> None:
    root = tmp_path_factory.mktemp("checkout")
    catalog = written(root, drawn)
    check_derived(catalog)
    check_local(root, catalog)
    check_workspace(root, catalog)
    TRIED.append(len(catalog))


@pytest.mark.deep
def test_hundreds_were_tried() -> None:
    """After the test above, in the same process."""
    assert sum(TRIED) >= 200


def stacks(root: Path) -> None:
    """The stack files of this checkout, but for their groups: those name its services."""
    (root / "stacks").mkdir()
    for file in (find_root(Path(__file__)) / "stacks").glob("Pulumi.*.yaml"):
        stack = yaml.load(file.read_text(encoding="utf-8"))
        stack["config"].pop("gatehouse:groups", None)
        with (root / "stacks" / file.name).open("w", encoding="utf-8") as written_to:
            yaml.dump(stack, written_to)


def test_the_platform_takes_the_smallest_entry(tmp_path: Path) -> None:
    catalog = written(tmp_path, [SMALLEST, APP])
    stacks(tmp_path)
    check_platform(tmp_path, catalog)


@pytest.mark.deep
@settings(SLOW, max_examples=12)
@given(entries(30, least=17))
def test_the_platform_takes_every_legal_entry(tmp_path_factory: pytest.TempPathFactory, drawn: list[Entry]) -> None:
    root = tmp_path_factory.mktemp("checkout")
    catalog = written(root, drawn)
    stacks(root)
    check_platform(root, catalog)
    RECORDED.append(len(catalog))


@pytest.mark.deep
def test_hundreds_were_recorded() -> None:
    """After the test above, in the same process."""
    assert sum(RECORDED) >= 200


def test_a_service_of_the_smallest_entry_starts(tmp_path: Path) -> None:
    written(tmp_path, [SMALLEST])
    service = ServiceContext.load(tmp_path / "services" / "lone", {"GATEHOUSE_ENVIRONMENT": "local"})
    app = create_app(service)
    assert msgspec.json.encode(app.openapi_schema.to_schema(), enc_hook=str)
