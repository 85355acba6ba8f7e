"""The texts that people consent to, with their versions. A version that somebody may have agreed to is never changed.

They come with the service, as `documents/<kind>.<version>.<locale>.txt`: the title, an empty line, the text. Another
wording is a file of its own with a later version; who agreed to the earlier one has agreed to that one only.
"""

from functools import cache
from importlib.resources import files
from typing import get_args

import msgspec

from gatehouse_chassis.base.problems import Invalid
from gatehouse_person.enumerators import ConsentKind

LOCALE = "en"


class ConsentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What one consents to. `text`: paragraphs, with an empty line between them."""

    kind: ConsentKind
    version: str
    locale: str
    title: str
    text: str


@cache
def current_documents() -> dict[ConsentKind, ConsentDocument]:
    """The newest version of each kind's text, in the order of the kinds."""
    newest: dict[str, ConsentDocument] = {}
    found = (file for file in files("gatehouse_person.consent").joinpath("documents").iterdir())
    for file in sorted(found, key=lambda one: one.name):
        kind, version, locale, _ = file.name.split(".")
        title, _, text = file.read_text("utf-8").partition("\n\n")
        newest[kind] = msgspec.convert(
            {"kind": kind, "version": version, "locale": locale, "title": title.strip(), "text": text.strip()},
            ConsentDocument,
        )
    return {kind: newest[kind] for kind in get_args(ConsentKind)}


def refuse_other_versions(kind: ConsentKind, version: str) -> None:
    """Raises Invalid unless this is the text that is shown now: nobody agrees to what they weren't shown."""
    current = current_documents()[kind].version
    if version != current:
        raise Invalid({"document_version": f"isn't the text that is valid now. Read version {current}, then consent."})
