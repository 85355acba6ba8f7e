"""What a plan looks like: everything is said in words, fits the terminal, and ends with what to do next."""

import io
import os
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from gatehouse_db_manager.cli.show_plan import show_plan
from gatehouse_db_manager.cli.terminal import out
from gatehouse_db_manager.errors import Refusal
from gatehouse_db_manager.planning.plan import NEW, Hazard, Plan, SchemaPlan, Step, VersionChange
from gatehouse_db_manager.planning.table_change import NOTHING, brief

LONG = "a_name_as_long_as_postgresql_takes_one_which_is_sixty_three_ch"
HAZARD = Hazard(
    kind="column.drop",
    key="column.drop person.phone",
    file="services/person/database/collections/person.yaml",
    danger="no longer has the column phone",
    why="its data is gone for good.",
    bad="alter table person.person drop column phone",
    good="Keep it until nothing uses it.",
    rows=1200,
)
REFUSAL = Refusal(
    file="services/person/database/collections/person.yaml",
    key="columns.phone.required",
    message="makes phone required: 27 rows have no value.",
    fix="Fill them first.",
    danger="makes phone required",
    why="27 rows have no value.",
    bad="alter table person.person alter column phone set not null",
    good="Fill them first.",
    rows=27,
)


def step(what: str = "add column phone", **more: Any) -> Step:
    base: dict[str, Any] = {"schema": "person", "collection": "person", "kind": "tx", "why": "it is new"}
    base |= {"what": what, "statements": (f"-- {what}",), "locks": brief("person"), "reversible": True}
    return Step(**(base | more))


def plan(*steps: Step, **more: Any) -> Plan:
    return Plan(schemas=(SchemaPlan(schema="person", steps=steps, **more),), environment="local")


DROP = step("drop column phone", phase="contract", reversible=False, hazards=(HAZARD,))
PLANS = {
    "nothing": plan(),
    "one": plan(step()),
    "long": plan(step(f"add column {LONG}, {LONG}", collection=LONG, locks=brief(LONG), why=LONG * 3)),
    "many": plan(*(step(f"build index {LONG}", kind="no_tx", locks=NOTHING, seconds=40.0) for _ in range(120))),
    "new": plan(*(step(f"create table t{one}", collection=f"t{one}", locks=NEW) for one in range(30))),
    "closed": plan(step(locks="person: blocks all reads and writes until it is done", reversible=False, seconds=3.0)),
    "danger": plan(
        step(),
        DROP,
        versions=(VersionChange(collection="person", before="1.0.0.0", after="2.0.0.0", digest="", types_digest=""),),
    ),
    "refused": plan(step(), refusals=(REFUSAL,)),
    "others": plan(notes=("a note",), unmanaged=("table mine", "view yours")),
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(monkeypatch):
    """What a terminal of so many columns shows; without any, a pipe."""

    def run(name: str, columns: int = 0, **more: Any) -> str:
        with monkeypatch.context() as only, Terminal() if columns else io.StringIO() as text:
            only.setattr(sys, "stdout", text)
            only.setattr(out, "width", columns or 80)
            show_plan(PLANS[name], **more)
            return text.getvalue()

    return run


def last(text: str) -> str:
    return text.rstrip().splitlines()[-1].strip()


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
@pytest.mark.parametrize("name", PLANS)
def test_a_plan_fits_its_terminal(shown, name, columns):
    lines = shown(name, columns).splitlines()
    assert max(len(line) for line in lines if " apply" not in line) <= columns


@pytest.mark.parametrize("name", PLANS)
def test_in_a_pipe_there_are_no_colours_and_sentences_stay_whole(shown, name):
    text = shown(name)
    assert "\x1b" not in text
    for step in PLANS[name].steps:
        assert step.why in text or step.what.startswith("create table")


@pytest.mark.parametrize(
    ("name", "next_line"),
    [
        ("nothing", "✓ Up to date: nothing to do."),
        ("one", "gate db apply"),
        ("danger", f"gate db apply --approve {PLANS['danger'].fingerprint}"),
        ("refused", "Refused for 1 reason: apply would change nothing. Next: fix it and plan again."),
    ],
)
def test_the_last_line_says_what_to_do_next(shown, name, next_line):
    assert last(shown(name)) == next_line


def test_the_first_lines_say_what_it_comes_to(shown):
    assert shown("many").startswith("120 steps in local, about 80 min. A plan changes nothing.\n")
    (line,) = [line for line in shown("danger").splitlines()[:4] if line.startswith("  person")]
    assert line.split() == ["person", "2", "<", "0.1", "s", "nothing", "step", "2"]
    assert "all queries, step 1" in shown("closed")
    assert shown("refused").startswith("Refused, see ✗ below.")


def test_a_step_says_what_it_locks_how_long_it_takes_and_whether_it_can_be_undone(shown):
    (line,) = [line for line in shown("danger").splitlines() if "drop column phone   " in line]
    assert line.split()[-6:] == ["person,", "briefly", "<", "0.1", "s", "no"]
    assert "person: blocks all reads  about 3 s" in shown("closed")


def test_a_danger_is_a_lesson(shown):
    text = " ".join(shown("danger").split())
    assert "DANGER services/person/database/collections/person.yaml no longer has the column phone (1,200 rows)" in text
    assert "why its data is gone for good. bad alter table person.person drop column phone good Keep it" in text


def test_a_refusal_says_each_thing_once(shown):
    text = shown("refused")
    assert "makes phone required (27 rows)" in text
    assert text.count("27 rows have no value.") == 1
    assert text.count("Fill them first.") == 1


def test_new_tables_are_one_line_and_statements_of_many_steps_are_left_out(shown):
    assert " 1-30  create tables t0, t1, t2" in shown("new")
    assert "gate db plan --sql" in shown("many")
    assert "-- build index" not in shown("many")
    assert "-- build index" in shown("many", sql=True)
    assert "-- add column phone;" in shown("one")
    assert "-- add column phone" not in shown("one", sql=False)


def test_a_statement_is_not_broken_within_quotes(shown, monkeypatch):
    text = "alter table t add check (a <> ', add b'), add column c text"
    monkeypatch.setitem(PLANS, "quoted", plan(step(statements=(text,))))
    lines = [line.strip() for line in shown("quoted").splitlines()]
    assert lines[lines.index("alter table t add check (a <> ', add b'),") + 1] == "add column c text;"


def test_what_was_approved_already_is_marked_so(shown, monkeypatch):
    monkeypatch.setitem(PLANS, "resumed", plan(DROP, approved=(HAZARD.key,)))
    assert "(approved already)" in " ".join(shown("resumed").split())
    assert last(shown("resumed")) == "gate db apply"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_log_that_takes_only_ascii_gets_the_words(checkout, encoding):
    checkout.collection()
    command = [sys.executable, "-m", "gatehouse_db_manager", "check", "--root", str(checkout.root)]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert b"person 1 collection" in done.stdout
    assert not done.stderr


def test_every_text_of_a_plan_is_shown_as_it_is(shown, monkeypatch):
    """`[red]` in a description isn't markup."""
    monkeypatch.setitem(PLANS, "marked", plan(msgspec.structs.replace(step(), why="[red]it[/] [is")))
    assert "[red]it[/] [is" in shown("marked")
