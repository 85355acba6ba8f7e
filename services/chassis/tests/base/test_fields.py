"""The types of request fields: what PostgreSQL would refuse is refused before, in words."""

from datetime import UTC, datetime

import msgspec
import pytest

from gatehouse_chassis.base.fields import Email, Markdown, Phone, Sentence, TimeZone, Url, Word, refuse_odd_times
from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.http.error_responses import field_error


class Form(msgspec.Struct):
    word: Word = "x"
    sentence: Sentence = "x"
    markdown: Markdown = ""
    email: Email = "a@example.org"
    phone: Phone = "+4930123456"
    url: Url = "https://example.org"
    time_zone: TimeZone = "UTC"
    at: datetime | None = None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("word", "Zoë 李 O’Neil-Smith"),
        ("word", "x" * 200),
        ("sentence", " with spaces around "),
        ("markdown", "several\nlines\n"),
        ("email", "mara.lindgren+news@mail.example.org"),
        ("url", "HTTPS://example.org/ä?q=1#part"),
        ("time_zone", "America/Argentina/Buenos_Aires"),
    ],
)
def test_plain_values_fit(field, value):
    assert getattr(msgspec.convert({field: value}, Form), field) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("word", ""),
        ("word", " x"),
        ("word", "x\n"),
        ("word", "a\tb"),
        ("word", "a\x00b"),
        ("word", "x" * 201),
        ("sentence", "two\nlines"),
        ("sentence", "ends with a new line\n"),
        ("markdown", "a\x00b"),
        ("email", "mara"),
        ("email", "mara@localhost"),
        ("email", "mara@example.org\n"),
        ("phone", "030 123456"),
        ("url", "javascript:alert(1)"),
        ("url", "https://"),
        ("url", "http://["),
        ("url", "http://[::1"),
        ("url", "http://a\u2100b.example/"),  # ACCOUNT OF: urlsplit refuses what NFKC turns into a slash
        ("url", "https://bank.example@evil.example/"),
        ("url", "https://example.org:65536/"),
        ("email", "\u212aim@example.org"),  # KELVIN SIGN: PostgreSQL's lower() makes it a k
        ("email", "k\u0130m@example.org"),
        ("email", "kim\u200b@example.org"),
        ("email", "kim@ex\u0430mple.org"),  # CYRILLIC SMALL LETTER A
        ("time_zone", "Berlin; drop table"),
    ],
)
def test_what_the_database_would_refuse_is_refused(field, value):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({field: value}, Form)


def test_a_mismatch_is_told_in_words_and_names_the_field():
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert({"email": "mara"}, Form)
    assert field_error(str(caught.value), "") == ("email", "takes an e-mail address such as mara@example.org")


def test_a_time_at_the_end_of_the_calendar_is_refused():
    with pytest.raises(Invalid, match="at: a time in the years 1900 to 2199"):
        refuse_odd_times(Form(at=datetime(1, 1, 1, tzinfo=UTC)))
    refuse_odd_times(Form(at=datetime(2026, 1, 1, tzinfo=UTC)))
