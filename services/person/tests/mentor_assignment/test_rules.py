"""Who can mentor whom."""

from datetime import UTC, datetime
from typing import get_args
from uuid import UUID

import pytest

from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_person.enumerators import PersonStatus
from gatehouse_person.mentor_assignment import rules
from gatehouse_person.mentor_assignment.structs import NewMentorAssignment
from gatehouse_person.person.structs import PersonRecord

ME, THEM = UUID(int=1), UUID(int=2)


def record(status: PersonStatus, *, id: UUID = THEM) -> PersonRecord:
    since = datetime(2026, 3, 1, tzinfo=UTC)
    return PersonRecord(id=id, version=1, status=status, status_changed_at=since, intro_scheduled_for=None)


def test_whom_one_may_assign():
    new = NewMentorAssignment(mentor_id=ME, member_id=THEM)
    active = record("active", id=ME)
    for status in get_args(PersonStatus):
        if status in {"onboarding", "matching", "active", "hold"}:
            rules.refuse_assignment(new, active, record(status))
        else:
            with pytest.raises(Conflict):
                rules.refuse_assignment(new, active, record(status))
    with pytest.raises(Conflict, match="must be active"):
        rules.refuse_assignment(new, record("hold", id=ME), record("matching"))


def test_no_one_mentors_himself_or_somebody_unknown():
    myself = record("active", id=ME)
    with pytest.raises(Invalid, match="no one mentors himself"):
        rules.refuse_assignment(NewMentorAssignment(mentor_id=ME, member_id=ME), myself, myself)
    with pytest.raises(Invalid) as caught:
        rules.refuse_assignment(NewMentorAssignment(mentor_id=ME, member_id=THEM), None, None)
    assert [error.field for error in caught.value.errors] == ["mentor_id", "member_id"]
