"""The supported versions of PostgreSQL, each a real server: what the newest does, the older ones do too. 18 is what all
other tests run on."""

from pathlib import Path

import pytest

from gatehouse_db_manager import api, apply, load, plan
from gatehouse_db_manager.importer.read import read
from gatehouse_db_manager.importer.record import record
from gatehouse_db_manager.importer.write import write
from gatehouse_local.testing.pytest_plugin import Postgres

from ..foreign import DATABASES
from ..scenario import begin, change, rows_were_changed_once
from ..servers import server
from ..shapes import SHAPES, dump, fill, write_shape
from ..standing import AT_A_STEP, NO_STOP, killed
from ..world import Checkout, Database

OLDER = (15, 16, 17)
# Of those of test_pairs, each of which is about something that was made or worded otherwise in an older version.
CHAIN = (
    *("email_type", "mail_type", "enum_narrow", "enum_wide", "generated_other", "numbered", "rules_other"),
    *("methods", "key_of_two", "exclusion", "secured", "made"),
)


@pytest.fixture(scope="module", params=OLDER)
def older(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"postgres-{request.param}")
    with server(request.param, folder / "data", folder / "log", max_connections="30") as (url, _):
        yield Postgres(url, folder)


@pytest.fixture
def on(older):
    """Makes databases there; of a template if one is given."""

    def make(template: str | None = None) -> Database:
        return Database(older.create_database(template))

    return make


def test_it_is_the_version_that_it_is_said_to_be(older, request):
    version = Database(older.url).value("select current_setting('server_version_num')::int / 10000")
    assert version == request.node.callspec.params["older"]


def test_steps_of_every_kind_and_a_death_among_them(on, checkout, starter):
    """Tables, indexes, backfills, rewrites, renames, drops: undisturbed, and killed where an index was just built."""
    database = on()
    begin(checkout, database)
    other = on(database.url)
    assert str(database.value("select id from person.person limit 1"))[14] == "7"
    change(checkout)
    planned = database.plan(checkout)
    assert {step.kind for step in planned.steps} == {"tx", "no_tx", "backfill"}
    assert {step.phase for step in planned.steps} >= {"expand", "contract"}
    database.apply(checkout, approve=planned.fingerprint)
    assert database.plan(checkout).empty
    assert not database.apply(checkout).changed
    assert api.drift(database.url, checkout.load()) == ()
    assert "NULLS NOT DISTINCT" in database.tables()["person"].constraints["person_once"].definition
    (built,) = [step.what for step in planned.steps if step.builds and step.what.startswith("build unique")]
    other.run(AT_A_STEP.replace("%s", "$a$%s$a$") % (built, "done"))
    assert killed(other, checkout, starter, "--approve", planned.fingerprint)
    other.run(NO_STOP)
    other.apply(checkout)
    assert other.fingerprint() == database.fingerprint()
    assert other.done_twice() == []
    for one in (database, other):
        rows_were_changed_once(one)
    database.run(
        "alter table person.person drop constraint person_short; alter table person.pet alter name set default 'x'"
    )
    assert {one.name for one in api.drift(database.url, checkout.load())} == {"person.person_short", "pet.name"}


def test_a_foreign_database_is_taken_over(on, tmp_path):
    database = on()
    database.run(DATABASES["rental"])
    with api.connect(database.url) as connection:
        imported = write(read(connection, ("rental",)), tmp_path)
    record(database.url, load(tmp_path, imported.schemas), environment="local")
    assert plan(database.url, load(tmp_path)).empty


@pytest.mark.parametrize("older", OLDER[:1], indirect=True)
@pytest.mark.deep
def test_pairs_of_configurations_on_the_oldest(tmp_path, on):
    """One database goes through all of them, each compared with one that was so from the start."""
    changed = on()
    for number, name in enumerate(CHAIN):
        fresh = on()
        files = write_shape(Checkout(Path(tmp_path)), SHAPES[name], number)
        apply(fresh.url, files)
        planned = plan(changed.url, files)
        apply(changed.url, files, approve=planned.fingerprint)
        assert plan(changed.url, files).empty, name
        assert api.drift(changed.url, files) == (), name
        assert dump(changed.url) == dump(fresh.url), name
        changed.run(f"truncate {', '.join(f'person.{table}' for table in changed.tables())}")
        fill(changed)
