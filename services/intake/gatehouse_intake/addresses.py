"""Names and e-mail addresses as people type them, in the one form that the platform keeps. Pure functions."""

import re
import unicodedata

import idna

from gatehouse_chassis.base.fields import EMAIL
from gatehouse_chassis.base.problems import Invalid

LONGEST_ADDRESS = 254
LONGEST_NAME = 200
_EMAIL = re.compile(EMAIL)
_SPACES = re.compile(r"\s+")
WANTED = "takes an e-mail address such as mara@example.org"
PLAIN = "takes only letters from a to z, digits and signs before the @: mail to other letters can't be sent"


def normal_address(text: str) -> str:
    """Trimmed, in lower case, the domain in its ASCII form (IDNA 2008, UTS 46). Dots and what follows a plus stay.

    Raises Invalid: also for letters beyond ASCII before the @, which have several spellings and SES doesn't take.
    """
    local, at, domain = unicodedata.normalize("NFKC", text.strip()).rpartition("@")
    if at and not local.isascii():
        raise Invalid({"email": PLAIN})
    try:
        ascii_domain = idna.encode(domain.rstrip("."), uts46=True).decode("ascii") if at else ""
    except idna.IDNAError:
        ascii_domain = ""
    address = f"{local}@{ascii_domain}".lower()
    if not ascii_domain or len(address) > LONGEST_ADDRESS or _EMAIL.match(address) is None:
        raise Invalid({"email": WANTED})
    return address


def tidy_line(text: str, longest: int = LONGEST_NAME) -> str:
    """One line without control characters and without spaces around it, composed (NFC), cut to `longest`."""
    composed = unicodedata.normalize("NFC", text)
    shown = "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in composed)
    return _SPACES.sub(" ", shown).strip()[:longest].strip()
