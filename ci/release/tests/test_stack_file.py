"""Stack files, records and the policy as texts: what is edited, what is kept, and what a mistake is told."""

import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gatehouse_catalog.releases import ENVIRONMENTS, Release
from gatehouse_release.model import Record, RecordStep, ReleaseChange
from gatehouse_release.policy import parse_policy
from gatehouse_release.records import new_key, next_id, one_line, parse, render
from gatehouse_release.stack_file import releases_in, set_approved_plans, set_releases, without_choices
from gatehouse_release.state import read_state, stack_path
from gatehouse_release.testing.in_memory import STACK, release
from gatehouse_release.yaml_text import TextError, load

from .conftest import ROOT

FILE = "stacks/Pulumi.dev.yaml"
POLICY = (ROOT / "stacks" / "policy.yaml").read_text()
SERVICES = ["curriculum", "identity", "partner", "person", "portal", "topics"]
ANNOTATED = """\
# The environment of Ümit's team 🚪
secretsprovider:   awskms://alias/x   # spaces are kept
config:
  'gatehouse:owners': ["a@example.org", 'b@example.org']

  # What runs here.
  gatehouse:releases:   # by service
    # Identity comes first: everybody needs it.
    identity:
      tag: 'v1'   # single quotes
      digest: "sha256:0000000000000000000000000000000000000000000000000000000000000001"
      # the database
      database_digest: sha256:0000000000000000000000000000000000000000000000000000000000000002

    # Portal has no schema of its own.
    portal: {tag: v1, digest: "sha256:0000000000000000000000000000000000000000000000000000000000000003"}
    # after the last one

  gatehouse:tier: development # at the end
"""


def comments(text: str) -> list[str]:
    return re.findall(r"#.*", text)


def outside(text: str) -> str:
    """Everything but the lines of the releases."""
    return re.sub(r"(?m)^( {2}gatehouse:releases:)[^\n#]*((?:#.*)?\n)(?: {4,}[^\n]*\n|\n(?= {4}))*", r"\1\2", text)


def keys(text: str) -> list[str]:
    return re.findall(r"(?m)^( *[^#\s{][^:{]*(?::\w+)?):(?=\s)", outside(text))


@pytest.mark.parametrize(
    ("text", "promotions"),
    [(ANNOTATED, 1000), *(((ROOT / stack_path(name)).read_text(), 50) for name in ENVIRONMENTS)],
    ids=["annotated", *ENVIRONMENTS],
)
def test_a_thousand_random_promotions_keep_comments_and_order_and_what_stands_outside(text: str, promotions: int):
    chance = random.Random(11)
    first, edited = text, text
    for number in range(promotions):
        before = edited
        wanted = {name: _any_release(chance, name, number) for name in chance.sample(SERVICES, chance.randint(1, 3))}
        edited = set_releases(before, wanted, FILE)
        assert outside(edited) == outside(first)
        there = releases_in(before, FILE)
        for name, raw in releases_in(edited, FILE).items():
            assert name in wanted or raw == there[name]
        assert set(comments(outside(first))) <= set(comments(edited))
        assert keys(edited) == keys(first)
        assert list(releases_in(edited, FILE)) == sorted(releases_in(edited, FILE))
    assert YAML(typ="safe", pure=True).load(edited)["config"]["gatehouse:releases"] == releases_in(edited, FILE)


def _any_release(chance: random.Random, name: str, number: int) -> Release | None:
    one = release(name, number, database=chance.random() < 0.8)
    kept = {"person": "1.0.0.1", "note": f"1.{number}.0"}
    return chance.choice([one, one, one, None, Release(tag="v1", digest=one.digest, commit="1e10", collections=kept)])


def test_comments_inside_the_releases_stay_where_they_were():
    changes = {
        "identity": release("identity", 2),
        "portal": release("portal", 2, database=False),
        "person": release("person", 1),
    }
    edited = set_releases(ANNOTATED, changes, FILE)
    assert comments(edited) == comments(ANNOTATED)
    assert "tag: 'v2'   # single quotes\n" in edited
    assert edited.index("# Portal has no schema") > edited.index("    person:")
    assert set_releases(edited, {"person": None}, FILE).count("#") == ANNOTATED.count("#")


def test_the_same_release_again_changes_nothing():
    once = set_releases(ANNOTATED, {"person": release("person", 1)}, FILE)
    assert set_releases(once, {"person": release("person", 1)}, FILE) == once


def test_an_empty_block_comes_back_as_it_was():
    text = (ROOT / FILE).read_text()
    filled = set_releases(text, {"person": release("person", 1)}, FILE)
    assert set_releases(filled, {"person": None}, FILE) == text


def test_a_file_without_a_last_newline_keeps_none():
    text = "config:\n  gatehouse:releases: {}"
    assert not set_releases(text, {"person": release("person", 1)}, FILE).endswith("\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("config:\n  aws:region: x\n", "config.gatehouse:releases: is missing. Add the line"),
        ("config:\n  gatehouse:releases: {\n", "is not YAML"),
        ("aws: x\n", "config: is missing"),
        (
            "config:\n  a: &a {tag: v1}\n  gatehouse:releases:\n    x: *a\n",
            "can't be edited without changing something else",
        ),
    ],
)
def test_a_file_that_cant_be_edited_is_named(text: str, said: str):
    with pytest.raises(TextError, match=re.escape(said)) as raised:
        set_releases(text, {"x": release("x", 2)}, FILE)
    assert str(raised.value).startswith(FILE)


def test_a_release_that_was_written_wrongly_is_named_with_its_key():
    tree = {stack_path(name): "config:\n  gatehouse:releases: {}\n" for name in ENVIRONMENTS}
    tree |= {"stacks/policy.yaml": POLICY, FILE: "config:\n  gatehouse:releases: {person: {tag: v1, digset: x}}\n"}
    (problem,) = read_state("r", tree).unreadable["dev"]
    pattern = r'Pulumi.dev.yaml: config.gatehouse:releases.person.digset = x.*Did you mean "digest"'
    assert re.search(pattern, str(problem))


text = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=100, deadline=None)
@given(reason=text, by=text, why=text)
def test_a_record_reads_as_it_was_written_whatever_somebody_typed(reason: str, by: str, why: str):
    at = datetime(2026, 11, 23, 9, 0, 0, 123000, tzinfo=UTC)
    record = Record(
        id=next_id([], new_key(), at),
        kind="promotion",
        environment="dev",
        by=one_line(by),
        at=at,
        reason=one_line(reason),
        state="applying",
        services={"person": ReleaseChange(before=None, after=release("person", 1))},
        history=(RecordStep(state="applying", at=at, by=one_line(by), why=one_line(why)),),
    )
    written = render(record)
    assert parse(record.path, written) == record
    # A file that isn't quite as we write it is read as YAML, and says the same.
    assert parse(record.path, written + "...\n") == record


def test_a_record_reads_well():
    record = Record(
        id="0" * 26,
        kind="freeze",
        environment="test",
        by="sam",
        at=datetime(2026, 11, 23, tzinfo=UTC),
        reason="Ümit's day",
    )
    *lines, seal = render(record).splitlines()[1:]
    assert re.fullmatch(r'seal: "sha256:[0-9a-f]{64}"', seal)
    assert lines == [
        'id: "00000000000000000000000000"',
        "kind: freeze",
        "environment: test",
        "by: sam",
        'at: "2026-11-23T00:00:00Z"',
        'reason: "Ümit\'s day"',
    ]


def test_ids_sort_as_they_were_given_even_by_a_clock_that_is_behind():
    now, ids = datetime(2026, 11, 23, tzinfo=UTC), list[str]()
    for number in range(50):
        ids.append(next_id(ids, new_key(), now - timedelta(seconds=number)))
    assert ids == sorted(ids)
    assert len(set(ids)) == 50


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("from: dev\n", "from: staging\n"),
            "edges.test.from = staging: test takes no releases from there. Write dev.",
        ),
        (("unit: domain", "unit: dommain"), "edges[...].unit: invalid enum value 'dommain'"),
        (("timezone: Europe/Berlin", "timezone: Europe/Berlyn"), "timezone = Europe/Berlyn: is unknown."),
        (("soak_hours: 24", "soak: 24"), "edges.production.soak = 24: is not a known key. Known: approvals, from"),
        (
            ("roles: [release-manager]}", "roles: []}"),
            "edges.production.approvals.roles: is empty: nobody could approve.",
        ),
        (
            ("passes: [approvals, ", "passes: [digest-missing, "),
            "break_glass.passes[0]: invalid enum value 'digest-missing'",
        ),
    ],
)
def test_a_mistake_in_the_policy_is_named(change: tuple[str, str], said: str):
    assert change[0] in POLICY
    with pytest.raises(TextError) as raised:
        parse_policy(POLICY.replace(change[0], change[1], 1))
    assert said in str(raised.value)


def test_the_policys_schema_is_where_the_editor_looks():
    assert f"$schema={Path('policy.schema.json')}" in POLICY
    assert (ROOT / "stacks" / "policy.schema.json").is_file()


def test_what_was_approved_is_written_beside_the_releases_and_taken_out_again():
    path = "stacks/Pulumi.dev.yaml"
    before = STACK
    text = set_approved_plans(before, {"person": "abc def", "topics": None}, path)
    assert '  gatehouse:approved_plans:\n    person: "abc def"\n' in text
    assert releases_in(text, path) == releases_in(before, path)
    assert set_approved_plans(text, {"person": "abc def"}, path) == text
    assert "gatehouse:approved_plans: {}" in set_approved_plans(text, {"person": None}, path)
    assert set_approved_plans(before, {"person": None}, path) == before


def test_the_settings_of_a_service_that_is_gone_are_taken_out():
    path = "stacks/Pulumi.dev.yaml"
    releases = "  gatehouse:releases: {}"
    choices = "  gatehouse:services:\n    person: {max: 3}\n    topics: {max: 2}\n"
    text = STACK.replace(releases, choices + releases)
    after = without_choices(text, {"person"}, path)
    assert after == text.replace("    person: {max: 3}\n", "")
    assert without_choices(after, {"person"}, path) == after
    groups = "  gatehouse:groups:\n    members: {services: [encounter, person]}\n    one: {services: [topics]}\n"
    text = STACK.replace(releases, groups + releases)
    left = load(without_choices(text, {"person", "topics"}, path), path)["config"]["gatehouse:groups"]
    assert left == {"members": {"services": ["encounter"]}}
