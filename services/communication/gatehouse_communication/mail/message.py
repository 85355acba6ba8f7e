"""A mail as it leaves: RFC 5322 and MIME, with a complete plain part and HTML that asks nobody for anything.

No image, no style sheet and no pixel is fetched: the institute doesn't learn who opened what.
"""

from base64 import b64encode
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, quote
from uuid import UUID

import msgspec

# Long lines stay as they are: folded into encoded words, a List-Unsubscribe header is dead.
LONGEST_WORD = 42  # bytes: in base64 and with its marks, an encoded word has 75 characters at most (RFC 2047)
POLICY = SMTP.clone(refold_source="none")


class MailText(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail says, in both forms."""

    subject: str
    text: str
    html: str
    locale: str


class Sender(msgspec.Struct, frozen=True):
    """Whom mails come from."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def make_message(sender: Sender, name: str, address: str, text: MailText, delivery: UUID, at: datetime) -> EmailMessage:
    """The mail of one delivery to `name` at `address`, an address in ASCII.

    Raises ValueError for a line break in a name or subject.
    """
    message = EmailMessage(policy=POLICY)
    message.set_raw("From", _mailbox(sender.name, sender.address))
    message.set_raw("To", _mailbox(name, address))
    message.set_raw("Subject", _encoded(text.subject))
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{delivery}@{sender.domain}>"
    # RFC 3834: nobody's absence note answers it.
    message["Auto-Submitted"] = "auto-generated"
    # Quoted-printable: a mail server that isn't 8-bit clean changes nothing in it.
    message.set_content(text.text, cte="quoted-printable")
    message.add_alternative(text.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = text.locale
    return message


def _encoded(text: str) -> str:
    """A header's text in ASCII (RFC 2047). EmailMessage's own folding loses spaces between words that it encodes."""
    _refuse_control(text)
    if text.isascii():
        return text
    words, word = [], b""
    for character in text:
        if len(word) + len(character.encode()) > LONGEST_WORD:
            words.append(word)
            word = b""
        word += character.encode()
    # Space between encoded words is none of the text.
    return "\r\n ".join(f"=?utf-8?b?{b64encode(one).decode()}?=" for one in (*words, word))


def _mailbox(name: str, address: str) -> str:
    """A name and an address. Put together by hand: a parser would read an @ in a name as an address."""
    _refuse_control(name)
    shown = f'"{quote(name)}"' if name.isascii() else _encoded(name)
    return f"{shown} <{address}>"


def _refuse_control(text: str) -> None:
    if any(character in text for character in "\r\n\0"):
        raise ValueError(f"{text!r} has a line break, which no header may have.")
