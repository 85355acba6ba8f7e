"""From the words of a mail to its text and HTML. Pure functions: no database, no HTTP.

Words are Markdown with placeholders. What stands for a placeholder is put in after the Markdown is rendered, so no name
can make a link, an image or a line of its own.
"""

import html
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import get_args

import msgspec
from markdown_it import MarkdownIt

from gatehouse_chassis.base.problems import Invalid
from gatehouse_communication.enumerators import MailKind
from gatehouse_communication.mail.message import MailText

FALLBACK = "en"
PLACEHOLDERS: dict[MailKind, frozenset[str]] = {
    "welcome": frozenset({"name", "link", "until", "home"}),
    "mentor_welcome": frozenset({"name", "link", "until", "home"}),
    # Nothing that somebody typed: whoever fills in the form chooses who gets this mail, and would write it too.
    "application_confirm": frozenset({"link", "until"}),
    "intro_reminder": frozenset({"name", "home"}),
    "application_closed": frozenset({"name", "home"}),
    "mentoring_started": frozenset({"name", "home", "other", "other_email", "times"}),
    "introduction_scheduled": frozenset({"name", "home", "when"}),
    "mentor_pulse": frozenset({"name", "home", "link"}),
    "meeting_reminder": frozenset({"name", "other", "when", "link"}),
    # Nothing of what was written: mails are read by others, and kept for years.
    "meeting_summary": frozenset({"name", "link"}),
    # Not what was achieved: mails are read by others.
    "certificate_issued": frozenset({"name", "link"}),
    "weekly_digest": frozenset({"name", "count", "link"}),
    "gift_thanks": frozenset({"name"}),
    "gift_receipt": frozenset({"name", "number", "link", "until"}),
    "annual_statement": frozenset({"name", "number", "year", "link", "until"}),
}
"""What the words of each kind may name."""
NEEDED: dict[MailKind, frozenset[str]] = {
    "welcome": frozenset({"link"}),
    "mentor_welcome": frozenset({"link"}),
    "application_confirm": frozenset({"link"}),
    "mentor_pulse": frozenset({"link"}),
    "meeting_summary": frozenset({"link"}),
    "certificate_issued": frozenset({"link"}),
    "gift_receipt": frozenset({"link"}),
    "annual_statement": frozenset({"link"}),
}
"""What they must name: without it the mail is of no use."""
OPTIONAL: frozenset[MailKind] = frozenset(
    {
        "intro_reminder",
        "mentoring_started",
        "meeting_reminder",
        "meeting_summary",
        "certificate_issued",
        "weekly_digest",
    }
)
"""Kinds that a person may decline. The others are asked for, about their application, or about what they gave."""
_PLACEHOLDER = re.compile(r"\{([a-z_]*)\}")
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]*)\)")
_MARKS = re.compile(r"\*\*|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)|^#+ ", re.MULTILINE)
_FRAME = (
    '<!doctype html>\n<html lang="{locale}">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n</head>\n'
    '<body style="max-width:36em;margin:0 auto;padding:1em;font:16px/1.5 sans-serif">\n{body}</body>\n</html>\n'
)


class MailWords(msgspec.Struct, frozen=True, kw_only=True):
    """The words of a kind of mail. `number` 0: those that come with the service."""

    locale: str
    number: int
    subject: str
    body: str


def refuse_unusable(kind: MailKind, subject: str, body: str) -> None:
    """Raises Invalid for a placeholder that the kind doesn't have, and without one that it needs."""
    errors = {}
    known = PLACEHOLDERS[kind]
    for field, words in (("subject", subject), ("body", body)):
        unknown = sorted(set(_PLACEHOLDER.findall(words)) - known)
        if unknown:
            names = ", ".join(f"{{{name}}}" for name in unknown)
            errors[field] = f"has {names}; a mail of this kind has {', '.join(f'{{{name}}}' for name in sorted(known))}"
    missing = NEEDED.get(kind, frozenset()) - set(_PLACEHOLDER.findall(body))
    if missing and "body" not in errors:
        errors["body"] = f"needs {', '.join(f'{{{name}}}' for name in sorted(missing))}"
    if errors:
        raise Invalid(errors)


@cache
def built_in(kind: MailKind) -> MailWords:
    """The words that come with the service, in English."""
    text = files("gatehouse_communication.template").joinpath(f"builtin/{kind}.{FALLBACK}.txt").read_text("utf-8")
    subject, _, body = text.partition("\n")
    return MailWords(locale=FALLBACK, number=0, subject=subject, body=body.strip() + "\n")


def locales_for(locale: str) -> list[str]:
    """Which languages will do, the best first."""
    return list(dict.fromkeys([locale, locale.partition("-")[0], FALLBACK]))


def rendered(words: MailWords, values: Mapping[str, str]) -> MailText:
    """The mail's text. Raises KeyError for a placeholder without a value."""
    subject = _put_in(words.subject, {name: _isolated(value) for name, value in values.items()})
    return MailText(
        subject=subject, text=_plain(words.body, values), html=_html(words, subject, values), locale=words.locale
    )


def _plain(body: str, values: Mapping[str, str]) -> str:
    """Markdown as one would type it: links with their addresses, no marks."""
    linked = _LINK.sub(lambda found: _with_address(found[1], found[2]), body)
    return _put_in(_MARKS.sub("", linked), {name: _isolated(value) for name, value in values.items()})


def _with_address(words: str, address: str) -> str:
    address = address.removeprefix("mailto:")
    return address if words == address else f"{words}: {address}"


def _html(words: MailWords, subject: str, values: Mapping[str, str]) -> str:
    marked = _PLACEHOLDER.sub(lambda found: _token(found[1]), words.body)
    body = MarkdownIt("commonmark", {"html": False}).disable("image").render(marked)
    for name, value in values.items():
        escaped = html.escape(value)
        # In an address it stands as it is; in a text it has a direction of its own.
        body = re.sub(rf'(href="[^"]*){_token(name)}', lambda found, value=escaped: found[1] + value, body)
        body = body.replace(_token(name), f"<bdi>{escaped}</bdi>")
    return _FRAME.format(locale=words.locale, title=html.escape(subject), body=body)


def _put_in(words: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values[found[1]], words)


def _token(name: str) -> str:
    """What stands for a placeholder while Markdown is rendered: letters only, which it leaves alone."""
    return f"zq{name.replace('_', 'x')}qz"


def _isolated(value: str) -> str:
    """A name that is written from right to left doesn't turn the words around it (Unicode TR 9, FSI and PDI)."""
    if any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in value):
        return f"\u2068{value}\u2069"
    return value


assert set(PLACEHOLDERS) == set(get_args(MailKind))
