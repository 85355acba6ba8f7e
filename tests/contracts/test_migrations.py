"""Present data and tasks of the release before, when a schema changes under them.

`earlier/<schema>/` has collection files as they were. Each test applies them, writes rows as the code of that release
did, applies today's configuration, and goes on writing with both.
"""

import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gatehouse_catalog import find_root
from gatehouse_db_manager import apply, load, plan
from gatehouse_local.testing.pytest_plugin import Postgres

ROOT = find_root(Path(__file__).parent)
EARLIER = Path(__file__).parent / "earlier"
ID = "019a0000-0000-7000-8000-{:012d}"


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


def checkout(folder: Path, schema: str, *, without: tuple[str, ...] = ()) -> Path:
    """The configuration of the release before: today's, with the files that `earlier` has, and without new ones."""
    for path in ("db-manager/types", "services/chassis/gatehouse_chassis/schema"):
        shutil.copytree(ROOT / path, folder / path)
    database = folder / "services" / schema / "database"
    shutil.copytree(ROOT / "services" / schema / "database", database, ignore=shutil.ignore_patterns("test-data"))
    for name in without:
        (database / "collections" / f"{name}.yaml").unlink()
    shutil.copytree(EARLIER / schema, database / "collections", dirs_exist_ok=True)
    return folder


@contextmanager
def connected(url: str) -> Generator["psycopg.Connection[Any]"]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def to_today(url: str, schema: str) -> None:
    """Nothing of it asks for approval, and the second time there is nothing left to do."""
    configuration = load(ROOT, (schema,))
    assert not plan(url, configuration).hazards
    apply(url, configuration)
    assert plan(url, configuration).empty


# As the release before wrote them.
ASSIGN = (
    "insert into curriculum.assignment (id, curriculum_id, resource_id, state, position) values (%s, %s, %s, %s, %s)"
)
START = (
    "update curriculum.assignment set state = 'now', position = %s, started_at = %s, started_by = %s, "
    "changed_at = now() where id = %s"
)
# As that of today writes.
PLAN = "update curriculum.assignment set state = 'now', position = 3, planned_at = now(), planned_by = %s where id = %s"
PLANNED = "select state, planned_at = started_at, planned_by = started_by from curriculum.assignment where id = %s"


def test_what_was_started_is_planned_and_both_releases_go_on_writing(url: str, tmp_path: Path) -> None:
    old = checkout(tmp_path, "curriculum", without=("period", "commitment", "participant", "forecast_log"))
    apply(url, load(old, ("curriculum",)))
    begun, account = "2026-11-07 09:02:00+00", ID.format(7)
    with connected(url) as connection:
        made = connection.execute("insert into curriculum.curriculum (person_id) values (%s) returning id", [account])
        (curriculum,) = made.fetchall()[0]
        for number, state in enumerate(("next", "next", "later"), 1):
            connection.execute(ASSIGN, [ID.format(number), curriculum, ID.format(100 + number), state, number])
        connection.execute(START, [1, begun, account, ID.format(1)])
    to_today(url, "curriculum")
    with connected(url) as connection:
        assert connection.execute(PLANNED, [ID.format(1)]).fetchone() == ("now", True, True)
        assert connection.execute(PLANNED, [ID.format(2)]).fetchone() == ("next", None, None)
        # A task of the release before starts and assigns; one of today's plans without starting.
        connection.execute(START, [2, begun, account, ID.format(2)])
        connection.execute(ASSIGN, [ID.format(4), curriculum, ID.format(104), "later", 1])
        connection.execute(PLAN, [account, ID.format(3)])
        with pytest.raises(psycopg.errors.CheckViolation, match="now_is_planned"):
            connection.execute("update curriculum.assignment set state = 'now' where id = %s", [ID.format(4)])


LEARN = (
    "insert into topics.resource (id, number, name, url, kind, level, link_status) "
    "values (%s, %s, 'A', %s, 'book', 'master', %s)"
)
CHECKS = "select resource_id::text, result, url from topics.link_check order by 1"


def test_how_links_were_set_by_hand_becomes_a_check_and_both_releases_go_on_writing(url: str, tmp_path: Path) -> None:
    apply(url, load(checkout(tmp_path, "topics", without=("link_check",)), ("topics",)))
    with connected(url) as connection:
        for number, status in enumerate(("active", "failed", "unchecked"), 1):
            connection.execute(LEARN, [ID.format(number), number, f"https://example.org/{number}", status])
    to_today(url, "topics")
    with connected(url) as connection:
        assert connection.execute(CHECKS).fetchall() == [
            (ID.format(1), "ok", "https://example.org/1"),
            (ID.format(2), "gone", "https://example.org/2"),
        ]
        connection.execute(LEARN, [ID.format(4), 4, "https://example.org/4", "active"])
        connection.execute("update topics.resource set link_status = 'failed' where id = %s", [ID.format(4)])
        connection.execute("update topics.resource set link_status = 'blocked' where id = %s", [ID.format(1)])
        length = "update topics.resource set length_minutes = %s, length_source = %s where id = %s"
        connection.execute(length, [40, "stated", ID.format(1)])
        for minutes, source in ((40, None), (None, "stated"), (0, "stated")):
            with pytest.raises(psycopg.errors.CheckViolation):
                connection.execute(length, [minutes, source, ID.format(1)])


ORDER = (
    "insert into communication.delivery (event_id, person_id, kind) values (%s, %s, %s) on conflict {} do nothing "
    "returning id"
)
AS_BEFORE, AS_TODAY = ORDER.format("(event_id, person_id, kind)"), ORDER.format("")


def test_a_mail_to_somebody_outside_is_once_for_its_event_while_both_releases_write(url: str, tmp_path: Path) -> None:
    apply(url, load(checkout(tmp_path, "communication"), ("communication",)))
    event, person = ID.format(1), ID.format(2)
    with connected(url) as connection:
        assert connection.execute(AS_BEFORE, [event, person, "welcome"]).fetchone() is not None
        with pytest.raises(psycopg.errors.NotNullViolation):
            connection.execute(AS_BEFORE, [event, None, "welcome"])
    to_today(url, "communication")
    with connected(url) as connection:
        assert connection.execute(AS_BEFORE, [event, person, "welcome"]).fetchone() is None
        assert connection.execute(AS_BEFORE, [ID.format(3), person, "welcome"]).fetchone() is not None
        assert connection.execute(AS_TODAY, [ID.format(4), None, "gift_receipt"]).fetchone() is not None
        assert connection.execute(AS_TODAY, [ID.format(4), None, "gift_receipt"]).fetchone() is None
        assert connection.execute(AS_TODAY, [ID.format(3), person, "welcome"]).fetchone() is None
