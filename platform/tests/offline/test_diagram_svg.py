"""The diagram: everything that stands is in it, in words too, and lines don't cross cards."""

import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from gatehouse_platform.config.settings import ENVIRONMENTS
from gatehouse_platform.offline.diagram_model import DiagramBox, DiagramModel, NoEnvironment, diagram_model, ranks
from gatehouse_platform.offline.diagram_svg import diagram, in_words
from gatehouse_platform.offline.graph import Graph
from gatehouse_platform.testing import small_graph

SVG = "{http://www.w3.org/2000/svg}"
Recorded = Callable[[str], Graph]


def small(rows: list[list[str]], calls: list[tuple[str, str]]) -> DiagramModel:
    return DiagramModel(
        stack="dev",
        region="eu-central-1",
        edge=DiagramBox(name="load balancer", kind="edge", facts=("dev.example",)),
        rows=tuple(tuple(DiagramBox(name=name, kind="service", facts=("/api/x",)) for name in row) for row in rows),
        calls=tuple(calls),
        database_users=("a",),
        database=DiagramBox(name="PostgreSQL 17", kind="database", facts=("small",)),
        collector=None,
        shared=(),
        task_subnets="private subnets",
        database_subnets="isolated subnets",
    )


def texts(svg: str) -> set[str]:
    return {str(node.text) for node in ElementTree.fromstring(svg).iter(f"{SVG}text")}


def test_a_caller_stands_above_everybody_it_calls():
    calls = (("portal", "person"), ("person", "identity"), ("portal", "identity"))
    assert ranks(["identity", "person", "portal", "alone"], calls) == [["alone", "portal"], ["person"], ["identity"]]


def test_groups_that_call_in_a_circle_stand_below_one_another():
    """Services never do (the catalog refuses it); groups of them may."""
    circle = (("top", "a"), ("top", "b"), ("a", "b"), ("b", "a"), ("b", "c"))
    assert ranks(["a", "b", "c", "top"], circle) == [["top"], ["a"], ["b"], ["c"]]


def test_the_foundation_has_nothing_to_draw():
    with pytest.raises(NoEnvironment, match="Name an environment"):
        diagram_model(small_graph(stack="foundation"))


@pytest.mark.parametrize("stack", ENVIRONMENTS)
def test_every_service_and_every_call_of_an_environment_is_drawn(graph: Recorded, stack: str):
    recorded = graph(stack)
    shown = diagram_model(recorded)
    drawn = diagram(shown)
    services = {part.name for part in recorded.resources if part.type == "gatehouse:platform:Service"}
    assert services <= {word for text in texts(drawn) for word in text.split(", ")}
    labels = {str(node.text) for node in ElementTree.fromstring(drawn).iter(f"{SVG}title")}
    assert {f"{source} calls {target}" for source, target in shown.calls} <= labels
    assert len(shown.calls) > 0


def test_the_same_graph_gives_the_same_drawing(graph: Recorded):
    assert diagram(diagram_model(graph("dev"))) == diagram(diagram_model(graph("dev")))


def test_who_cannot_see_it_is_told_the_same(graph: Recorded):
    shown = diagram_model(graph("production"))
    root = ElementTree.fromstring(diagram(shown))
    named = root.attrib["aria-labelledby"].split()
    assert [root[number].attrib["id"] for number in (0, 1)] == named
    assert root.attrib["role"] == "img"
    assert root.findtext(f"{SVG}desc") == in_words(shown)
    for row in shown.rows:
        for box in row:
            assert box.name in in_words(shown)
    assert "pages calls " in in_words(shown)


def test_names_are_text_not_markup():
    drawn = diagram(small([["a<b>&c"]], []))
    assert "a<b>&c" in texts(drawn)


def test_it_fetches_nothing():
    drawn = diagram(small([["a"]], []))
    assert set(re.findall(r"https?://[^\"']+", drawn)) == {"http://www.w3.org/2000/svg"}
    assert "<script" not in drawn
    assert "<image" not in drawn


@pytest.mark.parametrize("stack", ENVIRONMENTS)
def test_no_line_runs_behind_a_card(graph: Recorded, stack: str):
    """A line that vanishes behind a card and comes out below looks like a call of that card's."""
    root = ElementTree.fromstring(diagram(diagram_model(graph(stack))))
    cards = [
        tuple(float(node.attrib[key]) for key in ("x", "y", "width", "height"))
        for node in root.iter(f"{SVG}rect")
        if node.attrib.get("class") == "card"
    ]
    lines = [node.attrib["d"] for node in root.iter(f"{SVG}path") if node.attrib.get("class") == "call"]
    assert lines
    for path in lines:
        for x, top, bottom in _straight(path):
            for left, upper, width, height in cards:
                beside = not left < x < left + width
                assert beside or bottom <= upper or top >= upper + height, path


def _straight(path: str) -> list[tuple[float, float, float]]:
    """(x, top, bottom) of the straight parts, which are those that pass rows."""
    return [(float(match[1]), float(match[2]), float(match[3])) for match in re.finditer(r"(\S+) (\S+) V(\S+)", path)]


def test_a_hundred_services_stay_within_the_drawing():
    names = [f"s{number:03}" for number in range(100)]
    drawn = diagram(small([names[:60], names[60:]], [(names[0], names[99])]))
    root = ElementTree.fromstring(drawn)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for node in root.iter(f"{SVG}rect"):
        assert float(node.attrib.get("x", 0)) + float(node.attrib["width"]) <= width
        assert float(node.attrib.get("y", 0)) + float(node.attrib["height"]) <= height
