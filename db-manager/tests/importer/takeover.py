"""Takes over a database A and applies the files of another one, B, to it: what `gate db import` must be good for.

The oracle: the plan right after the import is empty; after applying B's files, A dumps as B does but for objects that
import lists by name; no row of a common table is lost; the plan is empty again and there is no drift; and a refusal
leaves catalog and rows as they were, and names what is in the way.
"""

import re
import shutil
from pathlib import Path

import msgspec

from gatehouse_db_manager import Plan, RefusedError, api, apply, load, plan
from gatehouse_db_manager.importer.read import read
from gatehouse_db_manager.importer.record import record
from gatehouse_db_manager.importer.write import write

from ..shapes import dump
from ..world import Database

# What import adds, or what only says whose something is.
_OURS = re.compile(r"^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES|CREATE SCHEMA dbm|ALTER SCHEMA|COMMENT ON SCHEMA)")
RAISED = "2.0.0.0"


class Outcome(msgspec.Struct):
    """`differences` between A and B: statements of pg_dump that only one has. `listed`: what either import named."""

    refusals: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()


def take_over(database: Database, root: Path) -> tuple[str, ...]:
    """The list of what is not in the files. The plan is empty afterwards."""
    with api.connect(database.url) as connection:
        imported = write(read(connection), root)
    left = record(database.url, load(root, imported.schemas), environment="local")
    assert left.empty, [step.what for step in left.steps]
    assert left.refusals == ()
    return imported.unmanaged


def raised(root: Path, version: str = RAISED) -> None:
    for file in root.rglob("collections/*.yaml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r"^version: .*$", f"version: {version}", text, flags=re.MULTILINE), encoding="utf-8")


def files_of_other(one: Path, other: Path, root: Path) -> None:
    """B's files; of a schema that only A has, the schema alone."""
    (root / "services").mkdir(parents=True)
    for folder in (one / "services").glob("*") if (one / "services").exists() else ():
        kept = root / "services" / folder.name / "database"
        kept.mkdir(parents=True)
        shutil.copy(folder / "database" / "schema.yaml", kept)
        text = re.sub(r"^sequences:\n(  .*\n)+", "", (kept / "schema.yaml").read_text(), flags=re.MULTILINE)
        text = re.sub(r"^extensions:\n(  .*\n)+", "", text, flags=re.MULTILINE)
        (kept / "schema.yaml").write_text(text)
    if (other / "services").exists():
        shutil.copytree(other / "services", root / "services", dirs_exist_ok=True)
    raised(root)


def rows(database: Database) -> dict[str, list[str]]:
    """Rows of every table as JSON text, by qualified name."""
    tables = database.run(
        "select c.oid::regclass::text from pg_class c where c.relkind = 'r' and c.oid >= 16384 "
        "and c.relnamespace::regnamespace::text not in ('dbm', 'pg_catalog', 'information_schema') "
        "and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')"
    )
    return {name: [text for (text,) in database.run(f"select to_jsonb(t)::text from {name} t")] for (name,) in tables}


def statements(database: Database) -> set[str]:
    return {one for one in dump(database.url) if one and not _OURS.match(one) and "dbm." not in one}


def change(one: Database, other: Database, folder: Path) -> Outcome:
    """Imports both, and applies B's files to A with every approval that the plan asks for."""
    listed = take_over(one, folder / "a") + take_over(other, folder / "b")
    wanted = statements(other)
    files_of_other(folder / "a", folder / "b", folder / "files")
    configuration = load(folder / "files")
    before, held = statements(one), rows(one)
    planned = plan(one.url, configuration)
    if planned.refusals:
        refused = _refused(one, configuration, planned)
        assert (statements(one), rows(one)) == (before, held), "a refusal changes nothing"
        return Outcome(refusals=refused, listed=listed)
    apply(one.url, configuration, approve=planned.fingerprint)
    again = plan(one.url, configuration)
    assert again.empty, [step.what for step in again.steps]
    assert api.drift(one.url, configuration) == ()
    now = rows(one)
    for table, found in held.items():
        assert table not in now or len(now[table]) == len(found), table
    asked = tuple(hazard.danger for hazard in planned.hazards)
    return Outcome(differences=tuple(sorted(statements(one) ^ wanted)), listed=listed, asked=asked)


def _refused(database: Database, configuration: object, planned: Plan) -> tuple[str, ...]:
    try:
        apply(database.url, configuration, approve=planned.fingerprint)  # ty: ignore[invalid-argument-type]
    except RefusedError as error:
        assert all(problem.fix for problem in error.problems)
        return tuple(str(problem) for problem in error.problems)
    raise AssertionError("applied what the plan refuses")
