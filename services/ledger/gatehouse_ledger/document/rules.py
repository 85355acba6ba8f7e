"""How documents write dates and amounts, and who writes them. Pure functions: no database, no HTTP."""

from datetime import date
from functools import cache
from importlib.resources import files

from gatehouse_chassis.service.settings import Settings
from gatehouse_ledger.document.structs import Letterhead


class Issuer(Letterhead, frozen=True):
    """The institute, as documents name it."""

    employer_id: str
    signer: str


def issuer(settings: Settings) -> Issuer:
    name, address = settings.text("legal_name"), settings.text("legal_address")
    number, signer = settings.text("employer_id"), settings.text("signer")
    return Issuer(name, [address, f"EIN {number}"], number, signer)


@cache
def template() -> bytes:
    return files("gatehouse_ledger.document").joinpath("document.typ").read_bytes()


def dollars(amount: int) -> str:
    """`$1,234.50`, `-$3.00`."""
    whole, cents = divmod(abs(amount), 100)
    return f"{'-' if amount < 0 else ''}${whole:,}.{cents:02}"


def long_day(day: date) -> str:
    """`May 31, 2026`, as US letters say it."""
    return f"{day:%B} {day.day}, {day.year}"
