"""The list of revoked certificates: places are random, nobody's twice, and few bytes say all of them."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from gatehouse_credential.award import queries
from gatehouse_credential.award.rules import months_later
from gatehouse_credential.award.status import SIZE, encoded, is_revoked, random_places
from gatehouse_credential.tables import DB


def test_the_first_place_is_the_leftmost_bit_and_others_stay() -> None:
    listed = encoded([0, 77, SIZE - 1])
    looked_at = (0, 1, 76, 77, 78, SIZE - 2, SIZE - 1)
    assert [place for place in looked_at if is_revoked(listed, place)] == [0, 77, SIZE - 1]
    assert (encoded([])[0], len(encoded([])) < 100) == ("u", True)
    assert encoded([5, 6]) == encoded([6, 5])


def test_places_are_random() -> None:
    places = [place for _ in range(300) for place in random_places()]
    assert (min(places) < SIZE // 100, max(places) > SIZE - SIZE // 100, max(places) < SIZE) == (True, True, True)


@pytest.mark.parametrize(
    ("begins", "months", "ends"),
    [("2026-01-31", 1, "2026-02-28"), ("2024-02-29", 12, "2025-02-28"), ("2026-11-15", 14, "2028-01-15")],
)
def test_months_end_where_months_end(begins: str, months: int, ends: str) -> None:
    at = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert f"{months_later(at, months):%Y-%m-%d}" == ends


PUT_IN = (
    "insert into credential.award (id, person_id, achievement_id, state, proposed_by, confirmed_by, issued_at, "
    "status_list, status_index, proof_hash) select gen_random_uuid(), gen_random_uuid(), "
    "'019a0000-0050-7000-8000-000000000003', 'issued', '019a0000-0001-7000-8000-000000000001', "
    "'019a0000-0001-7000-8000-000000000007', now(), list, place, 'a test' from ({}) chosen on conflict do nothing"
)
COUNT = (
    "select status_list, count(*), count(distinct status_index) from credential.award "
    "where status_list is not null group by 1 order by 1"
)


@pytest.mark.deep
async def test_a_hundred_thousand_certificates_have_a_place_each(awards: Any, database_url: str) -> None:
    """All but the last thousand are put in at once; those find their place as every certificate does."""
    every = f"select 1 as list, place from generate_series(0, {SIZE - 1}) place"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(PUT_IN.format(f"{every} order by random() limit 99000"))
        for _ in range(1_000):
            async with DB.transaction():
                given = await queries._free_place()
            connection.execute(PUT_IN.format("select %s::int as list, %s::int as place"), given)
        assert connection.execute(COUNT).fetchall() == [(1, 100_000, 100_000)]
        connection.execute(PUT_IN.format(every))
        async with DB.transaction():
            number, place = await queries._free_place()
        assert (number, 0 <= place < SIZE) == (2, True)
