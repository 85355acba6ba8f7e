"""What makes a gift whole. Pure functions: no database, no HTTP."""

from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_ledger.document.rules import dollars
from gatehouse_ledger.gift.structs import Gift, NewGift


def refuse_gift(gift: NewGift | Gift) -> None:
    """Raises Invalid for money without an amount, a thing without a description, a return without a value."""
    errors: dict[str, str] = {}
    described = isinstance(gift.in_kind_text, str)
    if gift.kind == "money" and gift.amount == 0:
        errors["amount"] = "give how much it was, in cents"
    if gift.kind == "money" and described:
        errors["in_kind_text"] = "is for a thing; leave it out for money"
    if gift.kind == "in_kind" and gift.amount:
        errors["amount"] = "leave it out: a thing is described and never valued"
    if gift.kind == "in_kind" and not described:
        errors["in_kind_text"] = "describe the thing, as its receipt does"
    if isinstance(gift.goods_text, str) != (gift.goods_value > 0):
        errors["goods_text"] = "say what the donor got in return together with its value, or leave out both"
    if gift.kind == "money" and gift.amount and gift.goods_value >= gift.amount:
        errors["goods_value"] = "is as much as was given, so this is a purchase and no gift"
    if isinstance(gift, NewGift):
        if bool(gift.donor_id) == (gift.new_donor is not None):
            errors["donor_id"] = "choose a donor, or give a new one; not both"
        if gift.kind == "in_kind" and (gift.deposit is not None or gift.entry_id):
            errors["deposit"] = "a thing isn't booked with its gift; leave it out"
        if gift.deposit is not None and gift.entry_id:
            errors["deposit"] = "an entry books this gift already; leave one of them out"
    if errors:
        raise Invalid(errors)


def refuse_more_than_booked(amount: int, booked: int | None, recorded: int) -> None:
    """Raises Invalid where an entry books less for this fund than its gifts are."""
    if not booked:
        raise Invalid({"entry_id": "books no income in this fund; choose the entry that does"})
    if recorded + amount > booked:
        left = dollars(booked - recorded)
        raise Invalid({"amount": f"is more than the {left} of this entry that no gift explains yet"})


def refuse_refund(gift: Gift) -> None:
    if gift.refunded_on is not None:
        raise Conflict("This gift was given back already.")
    if gift.receipt_id is not None:
        raise Conflict("A receipt is valid for this gift. Void the receipt first, then say that it was given back.")
