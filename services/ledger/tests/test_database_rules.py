"""What the database refuses, whoever asks: the service's own role, by SQL."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from .conftest import API, account, entry, fund

CHECKING, GIFTS, GENERAL = UUID(account(1010)), UUID(account(4010)), UUID(fund(1))


@pytest.fixture
async def month(sql: asyncpg.Connection) -> UUID:
    id = uuid4()
    await sql.execute(
        "insert into ledger.accounting_period (id, starts_on) values ($1, '2031-01-01') on conflict do nothing", id
    )
    return await sql.fetchval("select id from ledger.accounting_period where starts_on = '2031-01-01'")


async def write(sql: asyncpg.Connection, month: UUID, *postings: tuple, lines: int | None = None, day="2031-01-15"):
    """An entry with (account, fund, amount, currency) each, in one transaction."""
    id = uuid4()
    async with sql.transaction():
        await sql.execute(
            "insert into ledger.journal_entry (id, period_id, booked_on, memo, lines) "
            "values ($1, $2, $3::text::date, 'By SQL', $4)",
            id,
            month,
            day,
            len(postings) if lines is None else lines,
        )
        for position, posting in enumerate(postings, 1):
            await add_posting(sql, id, position, posting)
    return id


async def add_posting(sql, entry, position, posting):
    of, kept_in, amount, currency = posting
    await sql.execute(
        "insert into ledger.posting (id, entry_id, position, account_id, fund_id, amount, currency) "
        "values ($1, $2, $3, $4, $5, $6, $7)",
        uuid4(),
        entry,
        position,
        of,
        kept_in,
        amount,
        currency,
    )


DEBIT = (CHECKING, GENERAL, 100, "USD")
CREDIT = (GIFTS, GENERAL, -100, "USD")


async def test_a_balanced_entry_is_taken(sql, month):
    await write(sql, month, DEBIT, CREDIT)


async def test_what_does_not_add_up_is_refused(sql, month):
    with pytest.raises(asyncpg.CheckViolationError, match=r"does not balance: fund .* has 1 USD left"):
        await write(sql, month, DEBIT, (GIFTS, GENERAL, -99, "USD"))


async def test_what_adds_up_only_over_two_funds_is_refused(sql, month):
    other = uuid4()
    await sql.execute("insert into ledger.fund (id, name, restriction) values ($1, $2, 'purpose')", other, f"F {other}")
    with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
        await write(sql, month, DEBIT, (GIFTS, other, -100, "USD"))


async def test_what_adds_up_only_over_two_currencies_is_refused(sql, month):
    with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
        await write(sql, month, DEBIT, (GIFTS, GENERAL, -100, "EUR"))
    with pytest.raises(asyncpg.CheckViolationError, match="is in EUR, and its account in USD"):
        await write(sql, month, (CHECKING, GENERAL, 100, "EUR"), (GIFTS, GENERAL, -100, "EUR"))


@pytest.mark.parametrize("lines", [2, 3])
async def test_an_entry_without_its_postings_is_refused(sql, month, lines):
    with pytest.raises(asyncpg.CheckViolationError, match=f"says {lines} postings and has 0"):
        await write(sql, month, lines=lines)


async def test_postings_that_come_later_are_refused(sql, month):
    id = await write(sql, month, DEBIT, CREDIT)

    async def add() -> None:
        async with sql.transaction():
            await add_posting(sql, id, 3, DEBIT)
            await add_posting(sql, id, 4, CREDIT)

    with pytest.raises(asyncpg.CheckViolationError, match="says 2 postings and has 4"):
        await add()


@pytest.mark.parametrize("table", ["journal_entry", "posting"])
async def test_nothing_posted_is_changed_or_deleted(sql, month, table):
    await write(sql, month, DEBIT, CREDIT)
    column = "memo" if table == "journal_entry" else "currency"
    with pytest.raises(asyncpg.RestrictViolationError, match="never changed or deleted"):
        await sql.execute(f"update ledger.{table} set {column} = 'EUR'")
    with pytest.raises(asyncpg.RestrictViolationError, match="never changed or deleted"):
        await sql.execute(f"delete from ledger.{table}")
    with pytest.raises((asyncpg.RestrictViolationError, asyncpg.InsufficientPrivilegeError)):
        await sql.execute(f"truncate ledger.{table} cascade")


async def test_an_entry_stands_in_its_own_month(sql, month):
    with pytest.raises(asyncpg.CheckViolationError, match="not in the month from 2031-01-01"):
        await write(sql, month, DEBIT, CREDIT, day="2031-02-01")


async def test_a_transaction_that_began_before_a_closing_posts_nothing_after_it(ledger, by, sql, service_url):
    """Its now() lies before the closing, of which it knows nothing; what counts is when the entry was written."""
    answer = await ledger.post(f"{API}/entries", headers=by("finance"), json=entry("2030-03-05", 100))
    month = UUID(answer.json()["period_id"])

    async def close_meanwhile() -> None:
        other = await asyncpg.connect(service_url)
        await other.execute(
            "update ledger.accounting_period set state = 'closing', prepared_at = now(), prepared_by = id "
            "where id = $1",
            month,
        )
        await other.close()

    async def post_late() -> None:
        async with sql.transaction():
            await sql.fetch("select now()")
            await close_meanwhile()
            await write(sql, month, DEBIT, CREDIT, day="2030-03-06")

    with pytest.raises(asyncpg.CheckViolationError, match="takes no entries any more"):
        await post_late()


async def test_the_person_who_prepared_a_closing_does_not_close(sql, month):
    who = uuid4()
    with pytest.raises(asyncpg.CheckViolationError):
        await sql.execute(
            "update ledger.accounting_period set state = 'closed', prepared_at = now(), prepared_by = $2, "
            "closed_at = now(), closed_by = $2 where id = $1",
            month,
            who,
        )
