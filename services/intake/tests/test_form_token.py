"""When the form of a stranger is taken."""

from datetime import UTC, datetime, timedelta

import pytest

from gatehouse_chassis.base.problems import Invalid
from gatehouse_intake.form_token import FormTokens

NOW = datetime(2026, 12, 1, tzinfo=UTC)
TOKENS = FormTokens("a" * 32)


def test_a_form_has_a_number_of_its_own_for_a_day():
    token = TOKENS.issue(NOW)
    numbers = {TOKENS.read(token, NOW + timedelta(seconds=seconds)) for seconds in (3, 60, 86_400)}
    assert len(numbers) == 1
    assert TOKENS.read(TOKENS.issue(NOW - timedelta(minutes=1)), NOW) not in numbers


@pytest.mark.parametrize(("seconds", "words"), [(0, "too quickly"), (2.9, "too quickly"), (86_401, "too long")])
def test_one_that_comes_too_soon_or_too_late_is_refused(seconds, words):
    with pytest.raises(Invalid) as refused:
        TOKENS.read(TOKENS.issue(NOW), NOW + timedelta(seconds=seconds))
    assert words in refused.value.errors[0].message


def test_a_token_of_somebody_else_is_refused_and_a_former_secret_is_read():
    token = TOKENS.issue(NOW - timedelta(minutes=1))
    assert FormTokens(f"{'b' * 32} {'a' * 32}").read(token, NOW)
    changed = ("0" if token[0] != "0" else "1") + token[1:]
    for foreign in ("", "x", "..", changed, token[:-1], FormTokens("c" * 32).issue(NOW - timedelta(minutes=1))):
        with pytest.raises(Invalid):
            TOKENS.read(foreign, NOW)
