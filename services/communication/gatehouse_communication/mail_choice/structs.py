"""What callers send and get about the mails that a person wants."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gatehouse_communication.enumerators import MailKind
from gatehouse_communication.template.structs import Locale


class MailChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which mails a person doesn't want, and the language of the others. `declined` names optional kinds only."""

    locale: Locale = "en"
    declined: Annotated[list[MailKind], Meta(max_length=20)] = []
