"""What a page says of itself, as far as somebody who adds it needn't type it. Pure functions.

The markup is read leniently, and nothing of it is shown as markup: what is found is plain text.
"""

import json
import re
from html.parser import HTMLParser
from urllib import robotparser

import msgspec

MOST_TITLE, MOST_TEXT = 200, 500
DURATION = re.compile(r"P(?:(\d{1,3})D)?(?:T(?:(\d{1,3})H)?(?:(\d{1,4})M)?(?:(\d{1,6})(?:\.\d+)?S)?)?", re.ASCII)
CHARSET = re.compile(rb"<meta[^>]{0,200}charset=[\"']?\s*([A-Za-z0-9_-]{1,40})", re.IGNORECASE)
SILENT = frozenset({"script", "style", "noscript", "template", "svg", "nav", "header", "footer", "aside", "form"})
VIDEOS = ("video.other", "video.movie", "video.episode", "video")
# With fewer words it is a page that its scripts fill, and their number says nothing.
FEWEST_WORDS = 150


class PageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a page says of itself; None where it doesn't. `minutes`: of a film or a recording."""

    title: str | None = None
    description: str | None = None
    language: str | None = None
    kind: str | None = None
    minutes: int | None = None
    words: int | None = None


def facts_of(body: bytes, content_type: str) -> PageFacts:
    """Of the beginning of a page; nothing where it is no HTML."""
    if "html" not in content_type.lower():
        return PageFacts(kind="book" if "application/pdf" in content_type.lower() else None)
    reader = _Reader()
    reader.feed(_text(body, content_type))
    meta = reader.meta
    title = meta.get("og:title") or reader.title
    minutes = _minutes(meta.get("duration", "")) or _seconds(meta.get("video:duration", "")) or reader.minutes
    is_video = meta.get("og:type", "").lower() in VIDEOS
    words = None if is_video or minutes or reader.words < FEWEST_WORDS else reader.words
    return PageFacts(
        title=_line(title, MOST_TITLE),
        description=_line(meta.get("og:description") or meta.get("description", ""), MOST_TEXT),
        language=_line(reader.language.partition("-")[0].lower(), 8),
        kind="video" if is_video else None,
        minutes=minutes,
        words=words,
    )


def allows_metadata(robots: bytes, product: str, url: str) -> bool:
    """What the site's robots.txt says of our reading the page."""
    parser = robotparser.RobotFileParser()
    parser.parse(robots.decode("utf-8", "replace").splitlines())
    return parser.can_fetch(product, url)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title, self.language, self.meta = "", "", dict[str, str]()
        self.words = 0
        self.minutes: int | None = None
        self._in: list[str] = []
        self._silent = 0
        self._data = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = values.get("lang", "")
        elif tag == "meta":
            name = (values.get("property") or values.get("name") or values.get("itemprop") or "").lower()
            self.meta.setdefault(name, values.get("content", ""))
        elif tag == "title" and not self.title:
            self._in = ["title"]
        elif tag == "script" and values.get("type") == "application/ld+json":
            self._in, self._data = ["data"], ""
        if tag in SILENT:
            self._silent += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._in == ["data"]:
            self.minutes = self.minutes or _of_data(self._data)
        if tag in ("title", "script"):
            self._in = []
        if tag in SILENT:
            self._silent = max(self._silent - 1, 0)

    def handle_data(self, data: str) -> None:
        if self._in == ["title"]:
            self.title += data
        elif self._in == ["data"]:
            self._data += data
        elif not self._silent:
            self.words += len(data.split())


def _text(body: bytes, content_type: str) -> str:
    named = re.search(r"charset=[\"']?([\w-]{1,40})", content_type, re.ASCII)
    found = CHARSET.search(body[:4_096])
    name = named[1] if named else found[1].decode() if found else "utf-8"
    try:
        return body.decode(name, "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


def _of_data(text: str) -> int | None:
    """The duration that structured data (schema.org) names."""
    try:
        found = json.loads(text[:100_000])
    except (ValueError, RecursionError):
        return None
    items = found if isinstance(found, list) else found.get("@graph", [found]) if isinstance(found, dict) else []
    for one in items if isinstance(items, list) else []:
        duration = one.get("duration") if isinstance(one, dict) else None
        if isinstance(duration, str) and (minutes := _minutes(duration)):
            return minutes
    return None


def _minutes(duration: str) -> int | None:
    found = DURATION.fullmatch(duration.strip())
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (int(one or 0) for one in found.groups())
    return _bounded((days * 1_440 + hours * 60 + minutes) * 60 + seconds)


def _seconds(text: str) -> int | None:
    return _bounded(int(text)) if text.isascii() and text.isdigit() and len(text) < 8 else None


def _bounded(seconds: int) -> int | None:
    minutes = max(round(seconds / 60), 1)
    return minutes if seconds > 0 and minutes <= 6_000 else None


def _line(text: str, most: int) -> str | None:
    """In one line, without what isn't printed."""
    clean = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(clean.split())[:most].strip() or None
