"""What a receipt says. Pure functions: no database, no HTTP.

IRS Publication 1771 (Rev. 3-2016), "Written Acknowledgments": the name of the organisation; the amount of a cash
contribution; a description, but not the value, of a non-cash one; a statement that no goods or services were provided,
if that was the case, or a description and good faith estimate of their value. "Written Disclosures" (26 USC 6115):
above $75 that is part gift and part purchase, that only what exceeds the value is deductible, with the estimate.
"""

from collections.abc import Sequence

from gatehouse_chassis.base.problems import Conflict
from gatehouse_ledger.document.rules import Issuer, dollars, long_day
from gatehouse_ledger.document.structs import DocumentBlock, DocumentContent, DocumentRow, Letterhead
from gatehouse_ledger.donor.structs import Donor
from gatehouse_ledger.receipt.structs import AcknowledgedGift, YearEndDonor

NOTHING_IN_RETURN = "No goods or services were provided in exchange for this contribution."
NOTHING_IN_RETURN_FOR_SOME = "For the other gifts no goods or services were provided in exchange."
NOTHING_IN_RETURN_FOR_ALL = "No goods or services were provided in exchange for these contributions."


def refuse_single(gift: AcknowledgedGift, donor: Donor) -> None:
    """Raises Conflict for a gift that is acknowledged already, was given back, or whose donor isn't known."""
    if donor.kind == "anonymous":
        raise Conflict("The donor of this gift isn't known, so nobody can get a receipt for it.")
    if gift.refunded_on is not None:
        raise Conflict("This gift was given back, so there is nothing to acknowledge.")
    if gift.receipt_id is not None:
        raise Conflict("A receipt is valid for this gift already. Replace that one if something changed.")


def is_due_at_once(gift: AcknowledgedGift, limit: int | None) -> bool:
    """`limit`: from this amount on a donor needs a written acknowledgment to deduct a gift; None: no rule is known."""
    return gift.in_kind_text is not None or (limit is not None and gift.amount >= limit)


def single(gift: AcknowledgedGift, donor: Donor, issuer: Issuer, number: str, replaces: str | None) -> DocumentContent:
    day = long_day(gift.received_on)
    blocks = [_paragraph(f"Dear {donor.name},")]
    if gift.in_kind_text is None:
        use = f" It is restricted to: {gift.fund}." if gift.restricted else ""
        blocks.append(_paragraph(f"Thank you for your contribution of {dollars(gift.amount)}, received {day}.{use}"))
    else:
        blocks += [
            _paragraph(f"Thank you for your contribution, received {day}: {gift.in_kind_text}"),
            _paragraph("We describe what you gave and don't value it; its value is for you to determine."),
        ]
    blocks.append(_paragraph(_in_return(gift)))
    return _letter(f"Receipt {number}", blocks, donor, issuer, number, replaces)


def annual(
    year: int,
    open_gifts: Sequence[AcknowledgedGift],
    receipted: Sequence[AcknowledgedGift],
    *,
    donor: Donor,
    issuer: Issuer,
    number: str,
    replaces: str | None,
) -> DocumentContent:
    """`open_gifts`: those that it acknowledges; `receipted`: those with a receipt of their own, which it lists."""
    blocks = [_paragraph(f"Dear {donor.name},"), _paragraph(f"Thank you for what you gave us in {year}.")]
    if open_gifts:
        blocks += [
            DocumentBlock("heading", f"Your contributions in {year}"),
            _table(open_gifts, "Total that this statement acknowledges"),
            _paragraph(_in_return_for(open_gifts)),
        ]
        if any(gift.in_kind_text for gift in open_gifts):
            blocks.append(_paragraph("What you gave in kind is described and not valued."))
    if receipted:
        words = "Contributions that you have a receipt for" if open_gifts else f"Your contributions in {year}"
        blocks += [
            DocumentBlock("heading", words),
            _table(receipted, "Total acknowledged by those receipts"),
            DocumentBlock("small", "Those receipts stay valid. This list repeats them and acknowledges nothing anew."),
        ]
    everything = [*open_gifts, *receipted]
    total = sum(gift.amount for gift in everything)
    if open_gifts and receipted and total:
        money = " in money" if any(gift.in_kind_text for gift in everything) else ""
        blocks.append(_paragraph(f"In all you gave {dollars(total)}{money} in {year}."))
    return _letter(f"Annual statement for {year}", blocks, donor, issuer, number, replaces)


def group_of(donor: YearEndDonor) -> str:
    """In which part of January's list a donor stands: `done`, `changed`, `without_address` or `ready`."""
    if donor.changed or donor.outdated:
        return "changed"
    if donor.statement_id is not None and not donor.open:
        return "done"
    return "ready" if donor.has_email or donor.has_address else "without_address"


def _paragraph(text: str) -> DocumentBlock:
    return DocumentBlock("paragraph", text)


def _in_return(gift: AcknowledgedGift) -> str:
    if gift.goods_text is None:
        return NOTHING_IN_RETURN
    value = dollars(gift.goods_value)
    text = f"In exchange for it you received: {gift.goods_text}. Our good faith estimate of its value is {value}."
    if gift.in_kind_text is not None:
        return (
            f"{text} The amount that is deductible for federal income tax purposes is limited to what the value of "
            "your contribution exceeds it by."
        )
    return (
        f"{text} The amount of your contribution that is deductible for federal income tax purposes is limited to the "
        f"excess of your contribution over that value, which is {dollars(gift.amount - gift.goods_value)}."
    )


def _in_return_for(gifts: Sequence[AcknowledgedGift]) -> str:
    given = [gift for gift in gifts if gift.goods_text is not None]
    if not given:
        return NOTHING_IN_RETURN if len(gifts) == 1 else NOTHING_IN_RETURN_FOR_ALL
    parts = [
        f"in exchange for that of {long_day(gift.received_on)} you received: {gift.goods_text} (our good faith "
        f"estimate of its value is {dollars(gift.goods_value)})"
        for gift in given
    ]
    text = "; ".join(parts)
    rest = f" {NOTHING_IN_RETURN_FOR_SOME}" if len(given) < len(gifts) else ""
    return (
        f"{text[0].upper()}{text[1:]}. What is deductible for federal income tax purposes is limited to the excess of "
        f"a contribution over the value of what you received.{rest}"
    )


def _table(gifts: Sequence[AcknowledgedGift], words: str) -> DocumentBlock:
    numbered = any(gift.receipt for gift in gifts)
    rows = []
    for gift in gifts:
        what = gift.in_kind_text or (gift.fund if gift.restricted else "Contribution")
        cells = [long_day(gift.received_on), what]
        cells += [gift.receipt or ""] if numbered else []
        rows.append(DocumentRow([*cells, "" if gift.in_kind_text else dollars(gift.amount)]))
    # Things alone have no sum: $0.00 would value them.
    if total := sum(gift.amount for gift in gifts):
        rows.append(DocumentRow([words, *([""] * (2 if numbered else 1)), dollars(total)], sum=True))
    columns = ["Received", "What", *(["Receipt"] if numbered else []), "Amount"]
    return DocumentBlock("table", columns=columns, rows=rows, texts=len(columns) - 1)


def _letter(
    title: str, blocks: list[DocumentBlock], donor: Donor, issuer: Issuer, number: str, replaces: str | None
) -> DocumentContent:
    law = (
        f"{issuer.name} is a tax-exempt organization under section 501(c)(3) of the Internal Revenue Code "
        f"(EIN {issuer.employer_id}). Keep this letter with your tax records."
    )
    small = [law] if replaces is None else [f"This replaces receipt {replaces}, which is no longer valid.", law]
    address = [part.strip() for part in (donor.address or "").split(",", 1) if part.strip()]
    return DocumentContent(
        title=title,
        letterhead=Letterhead(issuer.name, issuer.lines),
        to=[donor.name, *address],
        blocks=[*blocks, *(DocumentBlock("small", text) for text in small)],
        footer=f"{issuer.name} · Receipt {number}",
        signer=["With thanks,", issuer.signer, issuer.name],
    )
