"""RDFC-1.0: the same text whatever blank nodes are called and in whatever order they come, in bounded time."""

import itertools
import random

import pytest

from gatehouse_credential.linked_data.canonical import Canonical
from gatehouse_credential.linked_data.dataset import Literal, Quad, line_of
from gatehouse_credential.linked_data.errors import TooComplex

P, Q = "urn:ex:p", "urn:ex:q"


def pairs(*edges: str) -> list[Quad]:
    """`ab`: an arrow from the blank node a to b."""
    return [Quad(f"_:{edge[0]}", P, f"_:{edge[1]}") for edge in edges]


def clique(size: int) -> list[Quad]:
    return [Quad(f"_:n{one}", P, f"_:n{other}") for one, other in itertools.permutations(range(size), 2)]


def test_the_specifications_example_of_two_blank_nodes() -> None:
    """RDFC-1.0, appendix A: "unique hashes"."""
    made = Canonical(
        [
            Quad("http://example.com/#p", "http://example.com/#q", "_:e0"),
            Quad("http://example.com/#p", "http://example.com/#r", "_:e1"),
            Quad("_:e0", "http://example.com/#s", "http://example.com/#u"),
            Quad("_:e1", "http://example.com/#t", "http://example.com/#u"),
        ]
    )
    assert made.names == {"_:e0": "_:c14n0", "_:e1": "_:c14n1"}
    assert made.text.splitlines()[0] == "<http://example.com/#p> <http://example.com/#q> _:c14n0 ."


@pytest.mark.parametrize(
    "edges",
    [
        ("ab", "bc", "ca"),
        ("ab", "bc", "cd", "da", "xy", "yx"),
        ("ab", "ac", "bd", "cd"),
        ("ab", "ba", "cd", "dc", "ef", "fe"),
        ("aa", "bb", "ab"),
    ],
)
def test_names_and_order_make_no_difference(edges: tuple[str, ...]) -> None:
    chance = random.Random(7)
    nodes = sorted({letter for edge in edges for letter in edge})
    texts = set()
    for _ in range(12):
        new = dict(zip(nodes, chance.sample("klmnopqrst", len(nodes)), strict=True))
        quads = pairs(*("".join(map(new.__getitem__, edge)) for edge in edges))
        chance.shuffle(quads)
        texts.add(Canonical(quads).text)
    assert len(texts) == 1


def test_what_differs_stays_different() -> None:
    assert Canonical(pairs("ab", "bc", "cd", "da")).text != Canonical(pairs("ab", "bc", "ca", "dd")).text


def test_graphs_and_texts_are_written_as_the_specification_says() -> None:
    said = Literal('tab\t quote" back\\ line\n bell\x07 delete\x7f é', language="de")
    line = line_of(Quad("urn:ex:s", P, said, "_:g"))
    assert line == '<urn:ex:s> <urn:ex:p> "tab\\t quote\\" back\\\\ line\\n bell\\u0007 delete\\u007F é"@de _:g .\n'


@pytest.mark.parametrize("quads", [clique(9), [*clique(7), *(Quad(f"_:n{n}", Q, f"_:m{n}") for n in range(7))]])
def test_a_poison_dataset_is_refused_in_time(quads: list[Quad]) -> None:
    with pytest.raises(TooComplex):
        Canonical(quads)
