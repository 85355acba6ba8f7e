"""Objects made by repeatable scripts: all are dropped before the scripts run again, so that views of views and deleted
scripts need no ordering. Tables hold data and are never dropped here; sequences keep their value, and grants made by
hand are restored.
"""

import contextlib
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from psycopg import errors
from psycopg.types.json import Jsonb

from gatehouse_db_manager.config.script_text import statements
from gatehouse_db_manager.database import other_objects
from gatehouse_db_manager.planning.plan import Step

if TYPE_CHECKING:
    Connection = psycopg.Connection[Any]

# Errors that end once a later script has run.
_NOT_YET = (errors.UndefinedTable, errors.UndefinedFunction, errors.UndefinedObject)
# Errors of a change that is blocked by a view, function, trigger or policy.
_IN_THE_WAY = (
    errors.DependentObjectsStillExist,
    errors.FeatureNotSupported,
    errors.InvalidTableDefinition,
    errors.InvalidFunctionDefinition,
    errors.InvalidObjectDefinition,
)
_NOT_THERE = (*_NOT_YET, errors.UndefinedColumn, errors.InvalidSchemaName)
_OWNERS = """
select i.identity, 'alter ' || i.type || ' ' || i.identity || ' owner to ' || quote_ident(pg_get_userbyid(f.owner))
from (select 'pg_class'::regclass, oid, relowner from pg_class
    where relnamespace = to_regnamespace(%(schema)s) and relkind in ('v', 'm', 'S')
    union all select 'pg_proc'::regclass, oid, proowner from pg_proc where pronamespace = to_regnamespace(%(schema)s)
) f (catalog, oid, owner), pg_identify_object(f.catalog, f.oid, 0) i where f.owner <> current_user::regrole
"""


class Lost(msgspec.Struct):
    """What is lost with dropped objects and must be restored.

    Attributes:
        counters: by sequence, its last value and whether it was called.
        grants: grants that no script made, as statements.
        owners: owners, as statements.
        kept: objects that could not be dropped, as something depends on them."""

    counters: dict[str, tuple[int, bool]] = {}
    grants: dict[str, str] = {}
    owners: dict[str, str] = {}
    kept: set[str] = set()


def there(connection: "Connection", schema: str, roles: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Views, functions, triggers, policies, grants and so on of a schema, by name. `roles`: its service and reader."""
    given = other_objects.about([(schema, tuple(roles))])
    rows = connection.execute(other_objects.query().encode(), given).fetchall()
    found = {name: {"type": kind, "identity": identity, "order": oid} for _, name, kind, identity, oid in rows}
    for name, identity, oid in connection.execute(other_objects.INDEXES.encode(), [schema, schema]).fetchall():
        found[name] = {"type": "index", "identity": identity, "order": oid}
    return found


def drop_made(
    connection: "Connection",
    schema: str,
    roles: Iterable[str],
    *,
    only: Collection[str] = (),
    stays: Collection[str] = (),
    found: bool = False,
) -> Lost:
    """Drops everything that scripts made, or only what `only` names; with `found`, imported objects as well. What
    something depends on stays, as does what `stays` names; `create or replace` has to change those."""
    kinds = ["made", "found"] if found else ["made"]
    query = """select name, details from dbm.object
        where schema = %s and kind = any(%s) and (kind = 'made' or details ? 'script')"""
    made = dict(connection.execute(query, [schema, kinds]).fetchall())
    lost = Lost(owners=dict(connection.execute(_OWNERS, {"schema": schema}).fetchall()))
    lost.grants = {
        name: _again(name, item["identity"])
        for name, item in there(connection, schema, roles).items()
        if item["type"] == "grant" and name not in made
    }
    for name, details in sorted(made.items(), key=lambda row: -row[1]["order"]):
        if only and name not in only:
            continue
        if name.partition("(")[0] in stays:
            lost.kept.add(name)
            continue
        try:
            with connection.transaction():
                if "script" in details:
                    _note_public(connection, details, lost)
                _drop(connection, schema, name, details, lost)
        except errors.DependentObjectsStillExist:
            lost.kept.add(name)
        except _NOT_THERE:
            continue
    return lost


def _again(name: str, identity: str) -> str:
    option = " with grant option"
    right, _, grantee = identity.rpartition(" from ")
    return f"grant {right} to {grantee}{option if name.endswith(option) else ''}"


def _drop(connection: "Connection", schema: str, name: str, details: dict[str, Any], lost: Lost) -> None:
    kind, identity = details["type"], details["identity"]
    if kind == "sequence":
        row = connection.execute(f"select last_value, is_called from {identity}".encode()).fetchone()  # noqa: S608
        lost.counters |= {identity: row} if row else {}
    connection.execute(other_objects.drop(kind, identity).encode())
    query = "delete from dbm.object where schema = %s and kind in ('made', 'found') and name = %s"
    connection.execute(query, [schema, name])


def drop_found(connection: "Connection", schema: str, scripts: Iterable[str], lost: Lost) -> None:
    """Drops imported objects of scripts that changed or were deleted, and what an earlier run had to leave. What
    something depends on loses its comments and is marked as left: it is replaced, or dropped by a later step."""
    query = """select name, details from dbm.object
        where schema = %s and kind in ('made', 'found') and (details ->> 'script' = any(%s) or details ? 'left')"""
    rows = connection.execute(query, [schema, list(scripts)]).fetchall()
    for name, details in sorted(rows, key=lambda row: -row[1]["order"]):
        try:
            with connection.transaction():
                _note_public(connection, details, lost)
                _drop(connection, schema, name, details, lost)
        except errors.DependentObjectsStillExist:
            lost.kept.add(name)
            _uncomment(connection, details)
            query = """update dbm.object set details = details || '{"left": true}'
                where schema = %s and kind in ('made', 'found') and name = %s"""
            connection.execute(query, [schema, name])
        except _NOT_THERE:
            continue


def _note_public(connection: "Connection", details: dict[str, Any], lost: Lost) -> None:
    """Everybody may go on executing an imported function that is made again."""
    if details["type"] in {"function", "procedure"}:
        query = "select has_function_privilege('public', to_regprocedure(%s), 'execute')"
        row = connection.execute(query, [details["identity"]]).fetchone()
        if row and row[0]:
            lost.owners[f"{details['identity']} "] = (
                f"grant execute on {details['type']} {details['identity']} to public"
            )


def _uncomment(connection: "Connection", details: dict[str, Any]) -> None:
    kind, identity = details["type"], details["identity"]
    if kind in {"view", "function", "procedure", "trigger", "policy"}:
        connection.execute(f"comment on {kind} {identity} is null".encode())
    if kind == "view":
        query = """select quote_ident(a.attname) from pg_description d join pg_attribute a on a.attrelid = d.objoid
            and a.attnum = d.objsubid where d.objoid = to_regclass(%s) and d.objsubid > 0"""
        for (column,) in connection.execute(query, [identity]).fetchall():
            connection.execute(f"comment on column {identity}.{column} is null".encode())


def _remade(connection: "Connection", schema: str, start: int) -> None:
    """What was left and has been replaced since transaction `start` is no longer to be dropped."""
    connection.execute(
        """update dbm.object o set details = o.details - 'left' from (
            select 'pg_proc'::regclass catalog, oid, xmin::text::bigint as changed from pg_proc
            union all select 'pg_class'::regclass, ev_class, xmin::text::bigint from pg_rewrite
                where rulename = '_RETURN'
        ) c, pg_identify_object(c.catalog, c.oid, 0) i
        where o.schema = %s and o.kind in ('made', 'found') and o.details ? 'left' and c.changed >= %s
            and i.schema = %s and i.identity = o.details ->> 'identity'""",
        [schema, start % 2**32, schema],
    )


def run_scripts(connection: "Connection", step: Step, roles: tuple[str, ...]) -> None:
    """Runs a step with scripts, and records what they made.

    Imported objects stay if possible; otherwise they are dropped and made again like all others.
    """
    try:
        with connection.transaction():
            _run_step(connection, step, roles, found=False)
    except _IN_THE_WAY:
        query = "select from dbm.object where schema = %s and kind = 'found' and details ? 'script'"
        if step.adds or not connection.execute(query, [step.schema]).rowcount:
            raise
        _run_step(connection, step, roles, found=True)


def _run_step(connection: "Connection", step: Step, roles: tuple[str, ...], *, found: bool) -> None:
    query = "select name from dbm.object where schema = %s and kind = 'made'"
    row = connection.execute("select pg_current_xact_id()::text::bigint").fetchone()
    if step.adds:
        lost = Lost(kept={name for (name,) in connection.execute(query, [step.schema]).fetchall()})
    else:
        changed = _changed(connection, step)
        lost = drop_made(connection, step.schema, roles, stays=step.stays, found=found)
        drop_found(connection, step.schema, changed, lost)
    before = set(there(connection, step.schema, roles))
    scripts = {one.sql for one in step.scripts or ()}
    places = [number for number, statement in enumerate(step.statements) if statement in scripts]
    first, last = (places[0], places[-1] + 1) if places else (0, 0)
    _execute(connection, step.statements[:first])
    _run(connection, step.schema, step.statements[first:last], lost.kept)
    _execute(connection, step.statements[last:])
    # A script may have changed it for the session.
    connection.execute("set search_path = public")
    _remade(connection, step.schema, row[0] if row else 0)
    # Indexes that the step itself makes belong to the collection.
    before |= {f"index {item.name} on " for item in step.remember if item.kind == "index"}
    record_made(connection, step.schema, roles, before, lost)


def _changed(connection: "Connection", step: Step) -> list[str]:
    """Scripts whose content differs from what ran last, or whose file was deleted."""
    query = "select name, digest from dbm.object where schema = %s and kind = 'script'"
    before = dict(connection.execute(query, [step.schema]).fetchall())
    now = {script.name: script.digest for script in step.scripts or ()}
    return [name for name, digest in before.items() if now.get(name) != digest]


def _execute(connection: "Connection", statements: tuple[str, ...]) -> None:
    if statements:
        connection.execute("\n;\n".join(statements).encode())


def _run(connection: "Connection", schema: str, scripts: Iterable[str], kept: Collection[str]) -> None:
    """Runs the scripts in order; one that needs an object of a later one is retried after it. If objects were `kept`,
    they are replaced."""
    waiting = list(scripts)
    while waiting:
        later, reasons = [], []
        for script in waiting:
            try:
                with connection.transaction():
                    connection.execute(f"set local search_path = {schema}, pg_catalog".encode())
                    _run_one(connection, script, kept)
            except _NOT_YET as error:
                later.append(script)
                reasons.append(error)
        if len(later) == len(waiting):
            raise reasons[0]
        waiting = later


def _run_one(connection: "Connection", script: str, kept: Collection[str]) -> None:
    if not kept:
        connection.execute(script.encode())
        return
    for statement in statements(script):
        if f"{statement.kind} {statement.name}" in kept and statement.kind in {"type", "domain", "collation"}:
            continue
        connection.execute(statement.replacing.encode())


def record_made(connection: "Connection", schema: str, roles: Iterable[str], before: set[str], lost: Lost) -> None:
    """Records the objects that are new. What could not be dropped stays recorded."""
    now = there(connection, schema, roles)
    new = [name for name in now if not {name, name[: name.find(" on ") + 4]} & before]
    rows = [{"name": name, "details": now[name]} for name in new]
    _give_back(connection, now, lost)
    connection.execute(
        """insert into dbm.object (schema, kind, name, digest, details)
        select %s, 'made', name, '', details from jsonb_to_recordset(%s) as given (name text, details jsonb)
        on conflict (schema, kind, name) do update set details = excluded.details""",
        [schema, Jsonb(rows)],
    )
    query = "delete from dbm.object where schema = %s and kind in ('made', 'found') and not name = any(%s)"
    connection.execute(query, [schema, [*now, *lost.grants]])
    note_definitions(connection, schema)


def _give_back(connection: "Connection", now: dict[str, dict[str, Any]], lost: Lost) -> None:
    """Restores sequence values, grants made by hand, and owners."""
    identities = {item["identity"] for item in now.values()}
    identities |= {f"{identity} " for identity in identities}  # see _note_public
    for identity, (value, called) in lost.counters.items():
        if identity in identities:
            connection.execute("select setval(%s::regclass, %s, %s)", [identity, value, called])
    again = [grant for name, grant in lost.grants.items() if name not in now]
    again += [statement for identity, statement in lost.owners.items() if identity in identities]
    for statement in again:
        with contextlib.suppress(*_NOT_THERE), connection.transaction():
            connection.execute(statement.encode())


def note_definitions(connection: "Connection", schema: str) -> None:
    """Records PostgreSQL's text of objects: if it differs later, the object was changed by hand."""
    known = definitions(connection, [schema]).get(schema, {})
    major = connection.info.server_version // 10000
    words = Jsonb({name: f"{major}:{text}" for name, text in known.items()})
    connection.execute(
        """update dbm.object set details = details || jsonb_build_object('live', %s::jsonb -> name)
        where schema = %s and kind in ('made', 'found') and %s::jsonb ? name""",
        [words, schema, words],
    )


def definitions(connection: "Connection", schemas: list[str]) -> dict[str, dict[str, str]]:
    """By schema and name."""
    found: dict[str, dict[str, str]] = {}
    for schema, name, text in connection.execute(other_objects.DEFINITIONS.encode(), {"schemas": schemas}).fetchall():
        found.setdefault(schema, {})[name] = text
    return found
