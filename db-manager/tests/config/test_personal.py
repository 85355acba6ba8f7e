"""`personal:`: what must say so, what it may say, and what follows. Nothing of it keeps a file from being applied."""

import pytest

from gatehouse_db_manager import load
from gatehouse_db_manager.cli import personal_data

MINE = {"subject": "self", "category": "profile", "on_erasure": "clear"}


def undeclared(checkout) -> list[str]:
    return [
        f"{one.key} {one.message}"
        for schema in load(checkout.root).schemas
        for part in schema.collections
        for one in part.undeclared
    ]


def personal(checkout, name="person"):
    (schema,) = [one for one in load(checkout.root).schemas if one.name == "person"]
    (found,) = [one for one in schema.collections if one.name == name]
    return {column.name: column for column in found.personal}


@pytest.mark.parametrize(
    ("column", "asks"),
    [
        ({"type": "text"}, True),
        ({"type": "markdown"}, True),
        ({"type": "email"}, True),
        ({"type": "text_list"}, True),
        ({"type": "document"}, True),
        ({"type": "bytes"}, True),
        ({"type": "uuid"}, True),
        ({"type": "reference", "to": "person.person"}, True),
        ({"type": "reference", "to": "person"}, True),
        ({"type": "reference", "to": "identity.account"}, True),
        ({"type": "reference", "to": "topics.topic"}, False),
        ({"type": "integer"}, False),
        ({"type": "timestamp"}, False),
        ({"type": "text", "generated": "lower(name)"}, False),
        ({"type": "breadcrumb"}, False),
    ],
    ids=str,
)
def test_what_may_hold_personal_data_has_to_say_so(checkout, column, asks):
    checkout.collection(columns={"added": column})
    assert bool(undeclared(checkout)) is asks
    if asks:
        checkout.collection(columns={"added": {**column, "personal": "none"}})
        assert not undeclared(checkout)


def test_the_check_names_file_line_and_fix(checkout):
    file = checkout.collection(columns={"nick": {"type": "text"}})
    ((problem,),) = [part.undeclared for schema in load(checkout.root).schemas for part in schema.collections]
    line = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if '"nick"' in text)
    assert problem.file == f"services/person/database/collections/person.yaml:{line}"
    assert "declare-personal-data.md" in problem.fix


def declare(checkout, **more):
    checkout.collection(columns={"nick": {"type": "text", "personal": MINE | more}})


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"subject": "owner_id"}, "leads to no column of ids"),
        ({"subject": "name"}, "leads to no column of ids"),
        ({"subject": "id.name"}, "leads through id"),
        ({"on_erasure": "keep"}, "basis is missing"),
    ],
)
def test_a_declaration_that_leads_nowhere_is_refused(checkout, more, wrong):
    declare(checkout, **more)
    (found,) = undeclared(checkout)
    assert wrong in found


def test_a_required_column_without_a_default_is_not_cleared(checkout):
    checkout.collection(columns={"nick": {"type": "word", "required": True, "personal": MINE}})
    assert "can't clear" in undeclared(checkout)[0]


def test_a_phone_number_has_no_pseudonym(checkout):
    checkout.collection(columns={"phone": {"type": "phone", "personal": MINE | {"on_erasure": "pseudonymise"}}})
    assert "no pseudonym" in undeclared(checkout)[0]


def test_a_row_goes_as_a_whole(checkout):
    columns = {
        "a": {"type": "text", "personal": MINE},
        "b": {"type": "text", "personal": MINE | {"on_erasure": "delete"}},
    }
    checkout.collection(columns=columns)
    (found,) = undeclared(checkout)
    assert found.startswith("columns.a.personal.on_erasure is not `delete`")


def test_a_subject_is_found_by_way_of_another_row(checkout):
    checkout.collection(columns={"owner_id": {"type": "reference", "to": "person.person", "personal": "none"}})
    note = {"type": "text", "personal": MINE | {"subject": "person_id.owner_id"}}
    person = {"type": "reference", "to": "person", "personal": "none"}
    checkout.collection("visit", columns={"person_id": person, "note": note})
    assert not undeclared(checkout)
    assert personal(checkout, "visit")["note"].where == (
        "person_id in (select id from person.person where owner_id = any($1::uuid[]))"
    )


def test_a_breadcrumb_declares_itself(checkout):
    checkout.collection(columns={"changed": {"type": "breadcrumb"}})
    assert personal(checkout)["changed_request"].subject == "changed_by"


def test_an_unknown_word_stops_the_load(checkout):
    declare(checkout, on_erasure="burn")
    with pytest.raises(Exception, match="on_erasure"):
        load(checkout.root)


def test_retention_counts_from_a_moment(checkout):
    checkout.collection(columns={"ends": {"type": "date"}}, retention={"after": "ends", "keep": "30 days"})
    assert "is no moment" in undeclared(checkout)[0]


def test_declaring_changes_no_table(checkout):
    checkout.collection(columns={"nick": {"type": "text"}})
    (before,) = [part.table for schema in load(checkout.root).schemas for part in schema.collections]
    declare(checkout)
    (after,) = [part.table for schema in load(checkout.root).schemas for part in schema.collections]
    assert before == after


def test_the_register_says_whose_what_and_why(checkout):
    checkout.collection(
        columns={"nick": {"type": "text", "personal": MINE}, "ends_at": {"type": "timestamp"}},
        retention={"after": "ends_at", "keep": "2 years"},
    )
    text = personal_data.register(load(checkout.root).schemas)
    assert "| **person**: `nick` | self | profile | cleared |  | 2 years after `ends_at` |" in text
