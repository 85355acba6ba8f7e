"""Properties of the catalog over generated services and settings."""

import itertools
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_catalog.catalog import Catalog
from gatehouse_catalog.rules import FARGATE_MEMORY_MIB, broken_rules, setting_problem
from gatehouse_catalog.structs import Compute, Service, Setting, Uses, duration_seconds

NAMES = st.from_regex(r"[a-z][a-z0-9-]{1,10}", fullmatch=True).filter(lambda name: name not in {"catalog", "chassis"})


def services(names: list[str], edges: set[tuple[int, int]]) -> list[Service]:
    return [
        Service(
            name=name,
            domain="d",
            summary="s",
            path=f"/api/{name}",
            port=8401 + index,
            uses=Uses(services=[names[to] for start, to in sorted(edges) if start == index]),
            folder=Path("services") / name,
        )
        for index, name in enumerate(names)
    ]


@st.composite
def graphs(draw: st.DrawFn) -> list[Service]:
    names = draw(st.lists(NAMES, min_size=1, max_size=8, unique=True))
    index = st.integers(0, len(names) - 1)
    edges = draw(st.sets(st.tuples(index, index).filter(lambda edge: edge[0] != edge[1]), max_size=12))
    return services(names, edges)


@given(graphs())
def test_a_catalog_is_refused_exactly_when_it_has_no_start_order(found: list[Service]) -> None:
    circles = [problem for problem in broken_rules(found) if "circle" in problem.message]
    reserved = [problem for problem in broken_rules(found) if "taken by the platform" in problem.message]
    if circles or reserved:
        return
    position = {service.name: index for index, service in enumerate(Catalog(found).start_order())}
    assert set(position) == {service.name for service in found}
    assert all(position[used] < position[service.name] for service in found for used in service.uses.services)


@given(graphs())
def test_a_circle_that_is_named_is_one(found: list[Service]) -> None:
    by_name = {service.name: service for service in found}
    for problem in broken_rules(found):
        if "circle" in problem.message:
            names = problem.value.split(" -> ")
            assert names[0] == names[-1]
            assert all(after in by_name[before].uses.services for before, after in itertools.pairwise(names))


@given(st.integers(0, 20000), st.integers(0, 130000))
def test_only_fargate_sizes_pass(cpu: int, memory: int) -> None:
    (service,) = services(["person"], set())
    service = msgspec.structs.replace(service, compute=Compute(cpu=cpu, memory=memory))
    legal = memory in FARGATE_MEMORY_MIB.get(cpu, ())
    assert legal == (not [problem for problem in broken_rules([service]) if problem.key.startswith("compute")])


@given(st.integers(0, 10**6), st.sampled_from([("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]))
def test_durations_read_as_they_are_written(number: int, unit: tuple[str, float]) -> None:
    assert duration_seconds(f"{number}{unit[0]}") == number * unit[1]


@given(
    st.one_of(st.text(), st.integers(), st.booleans(), st.floats(), st.lists(st.text())),
    st.sampled_from(["text", "integer", "number", "boolean", "duration", "url", "list"]),
)
def test_a_setting_accepts_a_value_of_its_own_type_and_nothing_else(value: object, kind: str) -> None:
    accepted = setting_problem(msgspec.convert({"type": kind}, Setting), value) is None
    python = {"text": str, "integer": int, "number": (int, float), "boolean": bool, "list": list}.get(kind, str)
    if accepted:
        assert isinstance(value, python)
        assert not (isinstance(value, bool) and kind in ("integer", "number"))
    elif kind in ("text", "boolean"):
        assert not isinstance(value, python)
