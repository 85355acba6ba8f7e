"""Words become text and HTML in which nobody's name is more than a name."""

import re
from html.parser import HTMLParser
from typing import get_args

import pytest

from gatehouse_chassis.base.problems import Invalid
from gatehouse_communication.enumerators import MailKind
from gatehouse_communication.template.rules import (
    PLACEHOLDERS,
    MailWords,
    built_in,
    locales_for,
    refuse_unusable,
    rendered,
)

NAMES = [
    "Nguyễn Thị",
    "O'Neil",
    "Zoë 🌱",
    "محمد علي",
    '<b>&"x"',
    "[me](https://evil.example)",
    "*star* **bold**",
    "{link}",
]
LINK = "https://gate.example.org/welcome/aB-_9?x=1&y=2"


class Seen(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.links, self.tags = "", [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data):
        self.text += data


def values(name: str, kind: MailKind = "welcome") -> dict[str, str]:
    known = {"name": name, "link": LINK, "until": "3 December 2026", "home": "https://gate.example.org/"}
    known |= {"number": "2026-00042", "year": "2026"}
    known |= {"when": "Tuesday 8 December, 17:00 (Europe/Oslo)", "count": "3 things"}
    known |= {"times": "Times that suit both of you: Tuesday 8 December, 17:00 (Europe/Oslo)."}
    return known | {"other": name, "other_email": "a+b@xn--bcher-kva.example"}


@pytest.mark.parametrize("kind", [kind for kind, known in PLACEHOLDERS.items() if "name" in known])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_only_a_name(kind, name):
    mail = rendered(built_in(kind), values(name))
    page = Seen(mail.html)
    assert name in mail.text
    assert name in page.text
    assert name in mail.subject
    allowed = {LINK, "https://gate.example.org/", "mailto:a+b@xn--bcher-kva.example"}
    assert set(page.links) <= allowed
    assert page.tags <= {"html", "head", "meta", "title", "body", "p", "ol", "ul", "li", "strong", "em", "a", "bdi"}


@pytest.mark.parametrize("kind", get_args(MailKind))
def test_the_plain_part_says_all_that_the_html_says(kind):
    mail = rendered(built_in(kind), values("Ada"))
    page = Seen(mail.html.partition("<body")[2])
    said = re.sub(r"https?://\S+", "", mail.text)
    words = set(re.findall(r"\w+", page.text.partition(">")[2]))
    assert words <= set(re.findall(r"\w+", said))
    for link in page.links:
        assert link.removeprefix("mailto:") in mail.text
    assert not re.search(r"\*\*|\]\(|\{", mail.text)


def test_a_name_from_right_to_left_keeps_to_itself():
    assert rendered(built_in("application_closed"), values("محمد")).text.startswith("Hello \u2068محمد\u2069,")


@pytest.mark.parametrize(
    ("kind", "subject", "body", "field"),
    [
        ("welcome", "Hi", "No way in", "body"),
        ("welcome", "Hi {other}", "{link}", "subject"),
        ("application_closed", "Hi", "{link}", "body"),
        ("application_closed", "Hi {}", "x", "subject"),
    ],
)
def test_words_that_cannot_be_filled_are_refused(kind, subject, body, field):
    with pytest.raises(Invalid) as refused:
        refuse_unusable(kind, subject, body)
    assert [error.field for error in refused.value.errors] == [field]


def test_what_comes_with_the_service_can_be_used():
    for kind in PLACEHOLDERS:
        words = built_in(kind)
        refuse_unusable(kind, words.subject, words.body)


def test_languages_are_tried_from_the_nearest():
    assert locales_for("pt-BR") == ["pt-BR", "pt", "en"]
    assert locales_for("en") == ["en"]


def test_html_and_images_in_words_stay_text():
    words = MailWords(locale="en", number=1, subject="x", body="<script>1</script> ![p](https://t.example/p.gif)")
    page = Seen(rendered(words, {}).html)
    assert not page.tags & {"script", "img"}
