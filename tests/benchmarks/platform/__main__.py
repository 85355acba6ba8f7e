"""`gate bench platform`: what the AWS platform's tools need for 25, 50 and 100 generated services.

The program recorded, policies, difference, cost and diagram, each by CPU time, the least of some rounds. Time that
grows linearly doubles from 50 to 100 (and grows less, where a fixed part stands before it). A folder instead of a file:
a `platform.py` here would take the place of Python's own `platform` in every other benchmark.
"""

import gc
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from gatehouse_platform.offline.check import graph_of
from gatehouse_platform.offline.cost import estimate
from gatehouse_platform.offline.diagram_model import diagram_model
from gatehouse_platform.offline.diagram_svg import diagram
from gatehouse_platform.offline.differences import difference
from gatehouse_platform.offline.graph import Graph
from gatehouse_platform.offline.prices import load_prices
from gatehouse_platform.policies import violations

sys.path.append(str(Path(__file__).parents[1]))  # at the end: see above
from harness import Figure, root, show

STACK = "production"
SIZES = (25, 50, 100)
ROUNDS = 20
# Twice the services, twice the time; the rest is for a noisy machine.
LINEAR = 2 * 1.25
# Below this, what a hundred services cost is whether 3,000 resources fit into the processor's cache: no verdict.
TOO_SHORT = 0.02  # seconds
SERVICE = """\
name = "{name}"
domain = "generated"
summary = "A generated service"
kind = "api"
path = "/api/{name}"
port = {port}

[database]
schema = "{schema}"
[database.needs]
thing = "1.0.0"

[uses]
services = [{uses}]
"""


def world(folder: Path, count: int) -> Path:
    """A checkout with `count` services that each call the two before them, and our own stack files."""
    (folder / "pyproject.toml").touch()
    shutil.copytree(root() / "stacks", folder / "stacks")
    for number in range(count):
        name = f"made{number:03}"
        (folder / "services" / name).mkdir(parents=True)
        uses = ", ".join(f'"made{other:03}"' for other in range(max(0, number - 2), number))
        text = SERVICE.format(name=name, schema=name, port=9000 + number, uses=uses)
        (folder / "services" / name / "service.toml").write_text(text)
    return folder


def seconds(action: Callable[[], object], rounds: int = ROUNDS) -> float:
    """CPU seconds, the least of some rounds."""
    taken = []
    gc.collect()
    gc.freeze()  # what stands already isn't looked through again and again
    for _ in range(rounds):
        started = time.process_time()
        action()
        taken.append(time.process_time() - started)
    return min(taken)


def changed(graph: Graph) -> Graph:
    """Every resource with another name in a property, so that each has a difference."""
    resources = tuple(
        msgspec.structs.replace(resource, properties={**resource.properties, "description": "changed"})
        for resource in graph.resources
    )
    return msgspec.structs.replace(graph, resources=resources)


def fresh(graph: Graph) -> Graph:
    """The same graph without what it has looked up already."""
    return msgspec.structs.replace(graph)


def measure(count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        place = world(Path(folder), count)
        graph = graph_of(place, STACK)
        before, after, prices = graph, changed(graph), load_prices()
        return {
            "graph": seconds(lambda: graph_of(place, STACK), rounds=1),
            "policies": seconds(lambda: violations(fresh(graph))),
            "diff": seconds(lambda: difference(fresh(before), fresh(after))),
            "cost": seconds(lambda: estimate(fresh(graph), prices)),
            "diagram": seconds(lambda: diagram(diagram_model(fresh(graph)))),
        }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:  # imports the SDK, so that no round pays for it
        place = world(Path(folder), 1)
        graph_of(place, STACK)
    found = {count: measure(count) for count in SIZES}
    small, middle, large = SIZES
    figures = []
    for part in found[small]:
        times = {count: found[count][part] for count in SIZES}
        ratio, first = times[large] / times[middle], times[middle] / times[small]
        shown = ", ".join(f"{times[count]:.3f}" for count in SIZES)
        value = f"{shown} s; x{first:.1f}, then x{ratio:.1f}"
        verdict = ratio <= LINEAR if times[large] > TOO_SHORT else None
        figures.append(Figure(f"{part} of {small}, {middle}, {large} services", value, "x2.0 each", verdict))
    show("The AWS platform's tools: CPU time against the number of services", figures)


if __name__ == "__main__":
    main()
