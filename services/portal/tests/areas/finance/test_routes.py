"""The books: what pages show of them, and what their forms ask of ledger."""

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from gatehouse_portal.areas.finance.format import amount
from gatehouse_portal.areas.finance.reading import file_name

BANK = "019a0000-0040-7000-8000-000000001010"
FEES = "019a0000-0040-7000-8000-000000005800"
FUND = "019a0000-0041-7000-8000-000000000001"
FILE = "019a0000-0049-7000-8000-000000000001"
LINE = "019a0000-0047-7000-8000-000000000001"
POSTING = "019a0000-0045-7000-8000-000000000001"
MONTH = "019a0000-0043-7000-8000-000000000034"
LEDGER = "/api/ledger"

bank: dict[str, Any] = {
    "account_id": BANK,
    "code": "1010",
    "name": "Checking",
    "currency": "USD",
    "statement_on": "2026-10-31",
}
bank |= {
    "statement": 1_234_055,
    "books": 1_240_000,
    "open_lines": 2,
    "open_lines_sum": 4_000,
    "oldest_open": "2026-11-02",
}
bank |= {"open_postings": 1, "open_postings_sum": 5_945}
month = {"id": MONTH, "version": 2, "starts_on": "2026-10-01", "state": "closing", "entries": 14}
line = {"id": LINE, "booked_on": "2026-11-13", "amount": 9_700, "text": "ZEFFY PAYOUT", "reference": ""}
posting = {"id": POSTING, "booked_on": "2026-11-11", "amount": 10_000, "memo": "Zeffy gifts"}
suggestion: dict[str, Any] = {
    "line": line,
    "kind": "one_to_many",
    "score": 75,
    "reasons": ["less_fees"],
    "lines": [line],
}
suggestion |= {"postings": [posting], "rest": -300}
shown: dict[str, Any] = {
    "format": "ofx",
    "bank_account": "4821",
    "from_on": "2026-11-01",
    "to_on": "2026-11-30",
    "opening": None,
}
shown |= {
    "closing": 55_000,
    "state": "proven",
    "difference": 0,
    "why": "",
    "lines": 1,
    "new_lines": 1,
    "known_lines": 0,
}
shown |= {"sample": [{"booked_on": "2026-11-13", "amount": 9_700, "text": "ZEFFY PAYOUT", "known": False}]}
file = {
    "id": FILE,
    "account_id": BANK,
    "name": "nov.qfx",
    "currency": "USD",
    "refused": "",
    "columns": [],
    "statements": [shown],
}
outcome = {"account_id": BANK, "statements": 1, "quarantined": 0, "new_lines": 3, "known_lines": 1, "matched": 2}
account = {"id": BANK, "code": "1010", "name": "Checking", "type": "asset", "currency": "USD"}
fees = {"id": FEES, "code": "5800", "name": "Bank and payment fees", "type": "expense", "currency": "USD"}


@pytest.fixture
def books(house):
    house.says("ledger", "GET", f"{LEDGER}/reconciliations", [bank])
    house.says("ledger", "GET", f"{LEDGER}/periods", {"items": [month]})
    house.says("ledger", "GET", f"{LEDGER}/statements", {"items": []})
    house.says("ledger", "GET", f"{LEDGER}/gifts", {"items": [], "total": 0})
    house.says("ledger", "GET", f"{LEDGER}/queues/{BANK}", {"open_lines": 1, "suggestions": [suggestion], "others": []})
    house.says("ledger", "GET", f"{LEDGER}/accounts", {"items": [account, fees]})
    house.says("ledger", "GET", f"{LEDGER}/accounts/{BANK}", account)
    house.says("ledger", "GET", f"{LEDGER}/funds", {"items": [{"id": FUND, "name": "General fund"}]})
    house.says("ledger", "GET", f"{LEDGER}/programs", {"items": []})
    house.says("ledger", "GET", f"{LEDGER}/bank-files/{FILE}", file)
    house.says("partner", "GET", "/api/partner/partners", {"items": [], "total": 0})
    house.says("partner", "GET", "/api/partner/agreements", {"items": [], "total": 0})
    return house


def sent(books, method: str, path: str) -> dict:
    """The body of the only such request."""
    (body,) = [one[2] for one in books.asked("ledger", method) if one[0].partition("?")[0] == f"{LEDGER}{path}"]
    return msgspec.json.decode(body) if body else {}


@pytest.mark.parametrize(
    ("role", "there", "missing"),
    [
        ("finance", ("Import a bank’s file", "$12,340.55", "$12,400.00"), ()),
        ("board", ("$12,340.55", "October 2026"), ("Import a bank’s file", "/books/queue")),
    ],
)
async def test_the_books_show_what_the_bank_and_the_books_say(browser, books, role, there, missing):
    await browser.sign_in(role)
    text = (await browser.see("/books")).text
    assert [words for words in there if words not in text] == []
    assert [words for words in missing if words in text] == []


@pytest.mark.parametrize("role", ["member", "coordinator", "partner"])
async def test_for_others_there_are_no_books(browser, books, role):
    await browser.sign_in(role)
    assert (await browser.see("/books")).status_code == 404


@pytest.mark.parametrize(("role", "words"), [("finance", "Lines to reconcile"), ("board", "What closes next")])
async def test_the_home_page_is_the_work_that_waits(browser, books, role, words):
    await browser.sign_in(role)
    text = (await browser.see("/")).text
    assert words in text
    assert "October 2026" in text


async def test_a_file_is_looked_at_and_imported(browser, books):
    await browser.sign_in("finance")
    page = await browser.see("/books")
    books.says("ledger", "POST", f"{LEDGER}/bank-files", file, status=201)
    token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
    answer = await browser.post(
        "/books/files",
        data={"form_token": token, "account": BANK},
        files={"file": ("C:\\bank\\nov.qfx", b"OFXHEADER")},
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"/books/files/{FILE}")
    body = sent(books, "POST", "/bank-files")
    assert (body["name"], base64.b64decode(body["content"])) == ("nov.qfx", b"OFXHEADER")
    preview = (await browser.see(f"/books/files/{FILE}")).text
    for words in ("Import 1 new line", "ZEFFY PAYOUT", "…4821"):
        assert words in preview
    books.says("ledger", "POST", f"{LEDGER}/bank-files/{FILE}/import", outcome)
    done = await browser.submit(f"/books/files/{FILE}/import")
    assert done.headers["location"] == f"/books/queue/{BANK}"
    assert "Imported 3 new lines, 1 known, 2 matched at once." in (await browser.see(f"/books/queue/{BANK}")).text


async def test_a_file_that_is_missing_is_asked_for(browser, books):
    await browser.sign_in("finance")
    await browser.see("/books")
    answer = await browser.submit("/books/files", account=BANK)
    assert (answer.status_code, "choose the file" in answer.text) == (400, True)


async def test_columns_are_chosen_where_the_header_does_not_tell(browser, books):
    unclear = file | {"refused": "Say which.", "columns": ["Wann", "Wieviel"], "statements": []}
    books.says("ledger", "GET", f"{LEDGER}/bank-files/{FILE}", unclear)
    books.says("ledger", "POST", f"{LEDGER}/bank-files/{FILE}/preview", file)
    await browser.sign_in("finance")
    assert "<option>Wieviel</option>" in (await browser.see(f"/books/files/{FILE}")).text
    done = await browser.submit(f"/books/files/{FILE}/columns", day="Wann", day_order="dmy", amount="Wieviel", text="")
    assert done.status_code == 200
    mapping = sent(books, "POST", f"/bank-files/{FILE}/preview")["mapping"]
    assert (mapping["day"], mapping["amount"], mapping["text"]) == ("Wann", "Wieviel", [])


async def test_a_suggestion_is_accepted_by_one_key_and_undone(browser, books):
    match = {"id": FILE, "version": 1, "account_id": BANK}
    books.says("ledger", "POST", f"{LEDGER}/matches", match, status=201)
    books.says("ledger", "POST", f"{LEDGER}/matches/{FILE}/undo", match)
    await browser.sign_in("finance")
    text = (await browser.see(f"/books/queue/{BANK}")).text
    assert f'id="accept-{LINE}" autofocus' in text
    assert "75 % sure: less fees" in text
    path = f"/books/queue/{BANK}"
    done = await browser.submit(path, line=LINE, posting=POSTING, counter=FEES, fund=FUND, function="fundraising")
    assert done.status_code == 303
    body = sent(books, "POST", "/matches")
    assert (body["line_ids"], body["posting_ids"]) == ([LINE], [POSTING])
    assert body["booking"] == {
        "counter_account_id": FEES,
        "fund_id": FUND,
        "function": "fundraising",
        "program_id": None,
    }
    assert f'name="match" value="{FILE}"' in (await browser.see(path)).text
    assert (await browser.submit(f"{path}/undo", match=FILE, version="1")).status_code == 303


async def test_what_ledger_refuses_is_said_on_the_page(browser, books):
    problem = {"type": "x", "title": "Conflict", "status": 409, "detail": "A line was matched a moment ago."}
    books.says("ledger", "POST", f"{LEDGER}/matches", problem, status=409)
    books.says("ledger", "POST", f"{LEDGER}/periods/{MONTH}/close", problem | {"status": 403}, status=403)
    await browser.sign_in("finance")
    await browser.see(f"/books/queue/{BANK}")
    answer = await browser.submit(f"/books/queue/{BANK}", line=LINE)
    assert (answer.status_code, "matched a moment ago" in answer.text) == (409, True)
    answer = await browser.submit(f"/books/months/{MONTH}", step="close", version="2")
    assert (answer.status_code, "matched a moment ago" in answer.text) == (403, True)


async def test_a_second_person_closes_a_month(browser, books):
    books.says("ledger", "POST", f"{LEDGER}/periods/{MONTH}/close", month | {"state": "closed"})
    await browser.sign_in("board")
    await browser.see("/books")
    assert (await browser.submit(f"/books/months/{MONTH}", step="close", version="2")).status_code == 303
    assert "Closed October 2026." in (await browser.see("/books")).text


async def test_reports_are_by_restriction(browser, books):
    three = {"without_restrictions": 100, "with_restrictions": 23, "total": 123}
    row = {"account_id": BANK, "code": "4010", "account": "Individual gifts", "type": "income", "amount": three}
    sums = dict.fromkeys(("income", "expenses", "change", "net_assets_before", "net_assets_after"), three)
    activities: dict[str, Any] = {
        "from_on": "2026-01-01",
        "to_on": "2026-12-31",
        "currency": "USD",
        "rows": [row],
    } | sums
    position: dict[str, Any] = {"as_of": "2026-12-31", "currency": "USD", "rows": []}
    position |= dict.fromkeys(("assets", "liabilities", "net_assets"), three)
    books.says("ledger", "GET", f"{LEDGER}/reports/activities", activities)
    books.says("ledger", "GET", f"{LEDGER}/reports/position", position)
    await browser.sign_in("board")
    text = (await browser.see(f"/books/reports?year={datetime.now(UTC).year}")).text
    assert "4010 Individual gifts" in text
    assert text.count("$1.23") == 9


@pytest.mark.parametrize(
    ("value", "currency", "words"),
    [
        (123_450, "USD", "$1,234.50"),
        (-5, "USD", "−$0.05"),
        (1_200, "CHF", "12.00 CHF"),
        (7, "JPY", "7 JPY"),
        (None, "USD", ""),
    ],
)
def test_amounts_are_written_as_people_do(value, currency, words):
    assert amount(value, currency) == words


@pytest.mark.parametrize(
    ("given", "name"), [("C:\\a\\b.csv", "b.csv"), ("../x\n.ofx", "x .ofx"), ("\x00", "file"), ("", "file")]
)
def test_a_file_keeps_its_name_only(given, name):
    assert file_name(given) == name


DONOR = "019a0000-0051-7000-8000-000000000001"
GIFT = "019a0000-0052-7000-8000-000000000001"
RECEIPT = "019a0000-0053-7000-8000-000000000001"
ENTRY = "019a0000-0044-7000-8000-000000000005"
TOKEN = "a-token-that-nobody-can-guess-0123456789"
donor = {"id": DONOR, "kind": "person", "name": "Edda Marsh", "email": "edda@example.org"}
gift: dict[str, Any] = {"id": GIFT, "version": 3, "donor_id": DONOR, "received_on": "2026-08-14", "kind": "money"}
gift |= {"amount": 25_000, "fund_id": FUND, "receipt_id": RECEIPT, "changed_since": True}
receipt: dict[str, Any] = {"id": RECEIPT, "version": 1, "year": 2026, "sequence": 7, "kind": "single"}
receipt |= {"state": "issued", "donor_id": DONOR, "amount": 25_000, "issued_at": "2026-08-14T17:00:00Z"}
unrecorded: dict[str, Any] = {"entry_id": ENTRY, "booked_on": "2026-11-09", "memo": "Gift by post", "fund_id": FUND}
unrecorded |= {"amount": 30_000, "rest": 25_000}


@pytest.fixture
def gifts(books):
    books.says("ledger", "GET", f"{LEDGER}/unrecorded-income", [unrecorded])
    listed = gift | {"donor": "Edda Marsh", "fund": "General fund"}
    books.says("ledger", "GET", f"{LEDGER}/gifts", {"items": [listed], "total": 1})
    books.says("ledger", "GET", f"{LEDGER}/gifts/{GIFT}", gift)
    books.says("ledger", "GET", f"{LEDGER}/donors", {"items": [donor]})
    books.says("ledger", "GET", f"{LEDGER}/donors/{DONOR}", donor)
    books.says("ledger", "GET", f"{LEDGER}/funds/{FUND}", {"id": FUND, "name": "General fund"})
    books.says("ledger", "GET", f"{LEDGER}/receipts", {"items": [receipt]})
    return books


async def test_gifts_are_listed_and_those_of_entries_offered(browser, gifts):
    await browser.sign_in("finance")
    text = (await browser.see("/books/gifts")).text
    for words in (
        "Edda Marsh",
        "$250.00 of $300.00",
        f"/books/gifts/new?entry={ENTRY}&amp;fund={FUND}",
        "Changed since",
    ):
        assert words in text


async def test_a_gift_of_an_entry_is_recorded_with_a_new_donor(browser, gifts):
    await browser.sign_in("finance")
    form = (await browser.see(f"/books/gifts/new?entry={ENTRY}&fund={FUND}")).text
    assert 'placeholder="250.00"' in form
    gifts.says("ledger", "POST", f"{LEDGER}/gifts", gift, status=201)
    fields = {"donor": "", "donor_name": "Edda Marsh", "donor_kind": "person", "donor_email": "edda@example.org"}
    fields |= {"entry": ENTRY, "fund": FUND, "received_on": "2026-11-09", "amount": "250.00"}
    done = await browser.submit("/books/gifts", **fields)
    assert done.headers["location"] == f"/books/gifts/{GIFT}"
    body = sent(gifts, "POST", "/gifts")
    assert body["new_donor"] == {"kind": "person", "name": "Edda Marsh", "email": "edda@example.org"}
    assert (body["amount"], body["entry_id"], "donor_id" in body) == (25_000, ENTRY, False)


async def test_what_is_wrong_with_a_gift_is_said_and_nothing_is_lost(browser, gifts):
    await browser.sign_in("finance")
    fields = {"donor": DONOR, "entry": ENTRY, "fund": FUND, "received_on": "2026-11-09", "amount": "a lot"}
    answer = await browser.submit("/books/gifts", **fields)
    assert answer.status_code == 400
    assert "Amount: an amount such as 250.00" in answer.text
    assert 'value="a lot"' in answer.text


async def test_a_receipt_is_issued_anew(browser, gifts):
    await browser.sign_in("finance")
    assert "Issue it anew" in (await browser.see(f"/books/gifts/{GIFT}")).text
    gifts.says("ledger", "POST", f"{LEDGER}/receipts/{RECEIPT}/replace", receipt | {"sequence": 8})
    done = await browser.submit(f"/books/gifts/{GIFT}/receipt", step="replace", receipt=RECEIPT, version="1")
    assert done.status_code == 303
    assert "Issued receipt 2026-00008 instead." in (await browser.see(f"/books/gifts/{GIFT}")).text


async def test_a_receipt_is_void_for_a_reason_by_a_form_of_its_own(browser, gifts):
    await browser.sign_in("finance")
    page = (await browser.see(f"/books/gifts/{GIFT}")).text
    (form,) = [part.partition("</form>")[0] for part in page.split("<form") if 'name="reason"' in part]
    assert 'value="replace"' not in form
    gifts.says("ledger", "POST", f"{LEDGER}/receipts/{RECEIPT}/void", receipt | {"state": "void"})
    fields = {"step": "void", "receipt": RECEIPT, "version": "1", "reason": "Wrong donor"}
    assert (await browser.submit(f"/books/gifts/{GIFT}/receipt", **fields)).status_code == 303
    assert sent(gifts, "POST", f"/receipts/{RECEIPT}/void") == {"reason": "Wrong donor"}


async def test_a_donor_reads_their_receipts_without_signing_in(browser, gifts):
    seen = {"id": RECEIPT, "number": "2026-00007", "kind": "single", "amount": 25_000}
    seen |= {"issued_at": "2026-08-14T17:00:00Z"}
    found = {"donor": "Edda Marsh", "institute": "Agile Learning Institute", "receipts": [seen]}
    gifts.says("ledger", "POST", f"{LEDGER}/donor-links/look", found | {"until": "2026-12-30T00:00:00Z"})
    page = await browser.see(f"/receipts/{TOKEN}")
    assert f"/receipts/{TOKEN}/{RECEIPT}" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    gifts.says("ledger", "POST", f"{LEDGER}/donor-links/look", {"title": "No", "status": 404}, status=404)
    gone = await browser.see(f"/receipts/{TOKEN}")
    assert (gone.status_code, "doesn’t open anything" in gone.text) == (404, True)


async def test_january_is_one_button(browser, gifts):
    year_end = {"year": 2025, "ready": 1, "without_address": 2, "changed": 0, "done": 3, "donors": []}
    gifts.says("ledger", "GET", f"{LEDGER}/annual-statements", year_end)
    gifts.says("ledger", "POST", f"{LEDGER}/annual-statements", {"issued": 1, "without_address": 2})
    await browser.sign_in("finance")
    assert "Issue all statements" in (await browser.see("/books/receipts?year=2025")).text
    await browser.submit("/books/receipts", year="2025")
    assert "Issued 1 statement for 2025." in (await browser.see("/books/receipts?year=2025")).text


async def test_an_entry_is_posted_by_hand(browser, gifts):
    await browser.sign_in("finance")
    assert "Line 6" in (await browser.see("/books/entries/new")).text
    gifts.says(
        "ledger", "POST", f"{LEDGER}/entries", {"id": ENTRY, "booked_on": "2026-11-30", "memo": "Owed"}, status=201
    )
    fields = {"booked_on": "2026-11-30", "memo": "Owed", "source": "opening"}
    fields |= {"account_0": FEES, "fund_0": FUND, "debit_0": "1,200.5", "function_0": "management"}
    fields |= {"account_1": BANK, "fund_1": FUND, "credit_1": "1200.50", "function_1": "none"}
    assert (await browser.submit("/books/entries", **fields)).status_code == 303
    body = sent(gifts, "POST", "/entries")
    assert ([one["amount"] for one in body["postings"]], body["source"]) == ([120_050, -120_050], "opening")
    both = await browser.submit("/books/entries", **(fields | {"credit_0": "1"}))
    assert both.status_code == 400


@pytest.mark.parametrize("path", ["/books/gifts", "/books/receipts", "/books/entries/new", f"/books/gifts/{GIFT}"])
async def test_the_board_sees_no_donor(browser, gifts, path):
    await browser.sign_in("board")
    assert (await browser.see(path)).status_code == 404


cash: dict[str, Any] = {
    "key": "cash",
    "name": "Cash",
    "definition": "Bank accounts",
    "unit": "money",
    "source": "Journal",
}
cash["quarters"] = [{"ends_on": f"2025-{month}", "value": 100} for month in ("06-30", "09-30", "12-31")]
donors = cash | {"key": "donors", "name": "Donors", "unit": "number"}
donors["quarters"] = [{"ends_on": "2025-12-31", "value": None}]
figures = {"ends_on": "2026-09-30", "as_of": "2026-10-05T09:00:00Z", "figures": [cash, donors]}
PACK = "019a0000-0054-7000-8000-000000000001"
pack = {"id": PACK, "version": 1, "ends_on": "2020-03-31", "state": "draft", "created_by": DONOR}


@pytest.mark.parametrize("role", ["board", "finance"])
async def test_the_board_sees_figures_and_freezes_what_finance_prepared(browser, books, role):
    books.says("ledger", "GET", f"{LEDGER}/board/figures", figures)
    books.says("ledger", "GET", f"{LEDGER}/board/packs", {"items": [pack]})
    restated = [{"key": "cash", "frozen": 100, "now": 90}]
    shown_pack = {"pack": pack, "version": 1, "figures": figures, "restated": restated}
    books.says("ledger", "GET", f"{LEDGER}/board/packs/{PACK}", shown_pack)
    await browser.sign_in(role)
    text = (await browser.see("/books/board")).text
    assert [words for words in ("$1.00", "Not shown", "Bank accounts") if words not in text] == []
    assert ("Prepare the pack" in text) == (role == "finance")
    text = (await browser.see(f"/books/board/{PACK}")).text
    assert "frozen as $1.00, by the books of today $0.90" in text
    books.says("ledger", "POST", f"{LEDGER}/board/packs/{PACK}/freeze", pack | {"state": "frozen"})
    assert (await browser.submit(f"/books/board/{PACK}", version="1")).status_code == 303
    books.says("ledger", "GET", f"{LEDGER}/board/packs/{PACK}/file", "a PDF")
    file = await browser.see(f"/books/board/{PACK}/file")
    assert file.headers["content-disposition"] == 'inline; filename="board-pack.pdf"'


@pytest.mark.parametrize("role", ["board", "finance"])
async def test_taxes_lead_from_a_line_to_its_postings(browser, books, role):
    line = {"line": "1", "words": "Contributions", "amount": 25_000, "account_ids": [FEES]}
    form = {"year": 2025, "form": "990-EZ", "why": "Small enough.", "gross_receipts": 25_000, "normal_receipts": 20_000}
    books.says("ledger", "GET", f"{LEDGER}/taxes/form-990", form | {"total_assets": 1, "lines": [line]})
    expenses: dict[str, Any] = {"from_on": "2025-01-01", "to_on": "2025-12-31", "currency": "USD", "rows": []}
    expenses |= {"program": 0, "management": 0, "fundraising": 0, "total": 0}
    books.says("ledger", "GET", f"{LEDGER}/reports/functional-expenses", expenses)
    row: dict[str, Any] = {"payee_id": DONOR, "name": "Ada Contractor", "w9_on_file": False, "exempt": False}
    row |= {"total": 200_000, "reportable": 200_000, "over": True}
    books.says("ledger", "GET", f"{LEDGER}/taxes/form-1099", {"year": 2025, "threshold": 60_000, "rows": [row]})
    large = {"donor_id": DONOR, "name": "Edda Marsh", "money": 600_000, "things": 0}
    books.says("ledger", "GET", f"{LEDGER}/taxes/schedule-b", {"year": 2025, "threshold": 500_000, "donors": [large]})
    entry = {"entry_id": ENTRY, "booked_on": "2025-03-04", "memo": "", "code": "4010", "account": "Gifts"}
    books.says("ledger", "GET", f"{LEDGER}/taxes/postings", [entry | {"fund": "General fund", "amount": -25_000}])
    await browser.sign_in(role)
    text = (await browser.see("/books/taxes?year=2025")).text
    for words in ("Form 990-EZ", "/books/taxes/1?year=2025"):
        assert words in text
    for private in ("Ada Contractor", "Edda Marsh"):
        assert (private in text) == (role == "finance")
    assert "−$250.00" in (await browser.see("/books/taxes/1?year=2025")).text
    assert (await browser.see("/books/taxes/2?year=2025")).status_code == 404


async def test_a_list_of_postings_that_is_cut_off_is_not_added_up(browser, books, monkeypatch):
    monkeypatch.setattr("gatehouse_portal.areas.finance.taxes.MOST_POSTINGS", 2)
    line = {"line": "1", "words": "Contributions", "amount": 30_000, "account_ids": [FEES]}
    form = {"year": 2025, "form": "990-EZ", "why": "Small.", "gross_receipts": 1, "normal_receipts": 1}
    books.says("ledger", "GET", f"{LEDGER}/taxes/form-990", form | {"total_assets": 1, "lines": [line]})
    entry = {"entry_id": ENTRY, "booked_on": "2025-03-04", "memo": "", "code": "4010", "account": "Gifts"}
    posting = entry | {"fund": "General fund", "amount": -10_000}
    books.says("ledger", "GET", f"{LEDGER}/taxes/postings", [posting, posting])
    await browser.sign_in("board")
    text = (await browser.see("/books/taxes/1?year=2025")).text
    assert ("−$200.00" in text, "these are the first 2" in text) == (False, True)
