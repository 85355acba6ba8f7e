"""Pairs of corpus.py in both directions: equal, or equal but for what import lists, or refused by name before the first
step. Everything else is a fault; exit 4 is left for accidents."""

import os
import re
from random import Random

import pytest

from . import corpus
from .takeover import Outcome, change

# 68: a function goes that another schema's trigger uses; 201: a virtual column becomes a plain one; 4008: each of two
# schemas names something of the other, and only one of them is new.
SLICE = (0, 1, 3, 68, 201, 4008)
# More of them: GATEHOUSE_CORPUS=500 ./local/test deep -k many_pairs.
DEEP = range(6, int(os.environ.get("GATEHOUSE_CORPUS", "60")))
_NAMED = re.compile(r'"[^"]+"|\w+')


def judge(outcome: Outcome) -> None:
    """What differs is named in a list; pieces of a body or of a column list name nothing."""
    listed = "\n".join(outcome.listed).replace('"', "")
    for text in outcome.differences:
        if not text.startswith(("CREATE", "ALTER", "COMMENT")):
            continue
        words = {word.strip('"') for word in _NAMED.findall(text.partition("(")[0])} - {"s", "z"}
        assert any(word in listed for word in words if not word.isupper()), (text, outcome)


def play(new_database, tmp_path, seed: int, back: bool) -> None:
    random = Random(seed)
    one = corpus.choose(random)
    pair = [one, corpus.other(random, one)]
    before, after = new_database(), new_database()
    before.run(corpus.sql(pair[back]))
    after.run(corpus.sql(pair[not back]))
    judge(change(before, after, tmp_path))


@pytest.mark.deep
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("seed", DEEP)
def test_many_pairs(new_database, tmp_path, seed, back):
    play(new_database, tmp_path, seed, back)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("seed", SLICE)
@pytest.mark.sampled(4)
def test_a_pair_is_changed_into_the_other_or_refused_by_name(new_database, tmp_path, seed, back):
    play(new_database, tmp_path, seed, back)
