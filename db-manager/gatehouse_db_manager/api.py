"""The public functions: plan, apply, status and reset of one database, given by an administrator's address."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import set_json_loads

from gatehouse_db_manager.config.model import Configuration, Schema
from gatehouse_db_manager.database import bookkeeping
from gatehouse_db_manager.database.address import Address
from gatehouse_db_manager.database.dependents import dependents
from gatehouse_db_manager.database.drift import DriftDifference, differences
from gatehouse_db_manager.database.failures import explain
from gatehouse_db_manager.database.inspector import inspect
from gatehouse_db_manager.database.lock import BOOTSTRAP, lock
from gatehouse_db_manager.database.passwords import let_in
from gatehouse_db_manager.database.snapshot import AppliedVersion, DatabaseState
from gatehouse_db_manager.errors import FailedError, NoDatabaseError, Problem, RefusedError
from gatehouse_db_manager.execution.approval import Allowed, count, stop_if_refused, wanted_fingerprints
from gatehouse_db_manager.execution.executor import Executor
from gatehouse_db_manager.execution.progress import Event, LockWait, Planned
from gatehouse_db_manager.execution.script_objects import definitions
from gatehouse_db_manager.planning.plan import Plan, SchemaPlan
from gatehouse_db_manager.planning.planner import make_plan

Report = Callable[[Event], None]
# PostgreSQL's text of an expression depends on the search path, and we compare that text. After a kill, the session
# would go on building its index and hold our lock; with the interval the server notices that the client is gone.
_SETTINGS = {"client_min_messages": "warning", "search_path": "public", "client_connection_check_interval": "1s"}
# A database of our own is closed to other roles. In one that has objects already, nobody loses a right.
_CLOSE = """do $$ begin
if not exists (select from pg_class where oid >= 16384 and relnamespace <> 'dbm'::regnamespace
        and relkind in ('r', 'p', 'v', 'm', 'f', 'S') and relnamespace::regnamespace::text !~ '^pg_'
        and not exists (select from pg_depend where objid = pg_class.oid and deptype = 'e'))
    and not exists (select from pg_namespace where oid >= 16384 and nspname <> 'dbm' and nspname !~ '^pg_'
        and not exists (select from pg_depend where objid = pg_namespace.oid and deptype = 'e')) then
    execute format('revoke all on database %I from public', current_database());
end if; end $$"""
# Each with the layouts that have it already.
_UPGRADES = (
    ({bookkeeping.LAYOUT_2, bookkeeping.LAYOUT_3}, bookkeeping.TO_LAYOUT_2),
    ({bookkeeping.LAYOUT_3}, bookkeeping.TO_LAYOUT_3),
    (set[str](), bookkeeping.TO_LAYOUT_4),
)
_TABLES_1 = ("object", "collection_version", "history", "enumerator", "data")
_TABLES_2 = (*_TABLES_1, "backfill", "migration")


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to one schema."""

    schema: str
    steps: int
    versions: dict[str, str]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    schemas: tuple[Applied, ...]
    seconds: float

    @property
    def changed(self) -> bool:
        return any(schema.steps or schema.versions for schema in self.schemas)


class CollectionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`applied` is None before the first apply; `wanted` is None when the file is gone."""

    schema: str
    collection: str
    wanted: str | None
    applied: str | None
    applied_at: str | None


class DatabaseStatus(msgspec.Struct, frozen=True, kw_only=True):
    environment: str | None
    collections: tuple[CollectionStatus, ...]
    pending: int
    refusals: tuple[Problem, ...]


@contextmanager
def connect(url: Address) -> Generator["psycopg.Connection[Any]"]:
    """A direct connection, never through a transaction pooler: the lock belongs to the session."""
    address = url if isinstance(url, str) else url()
    try:
        connection = psycopg.connect(
            address, autocommit=True, application_name="gatehouse-db-manager", connect_timeout=10
        )
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:  # the second one: it is no address at all
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = next((line for line in reversed(lines) if not line.endswith("?")), lines[-1]).rstrip(".")
        raise NoDatabaseError(
            f"Can't connect to the database: {reason}. Check the address (--url, GATEHOUSE_ADMIN_URL), or start "
            "the local one with ./local/up db."
        ) from None
    set_json_loads(msgspec.json.decode, connection)
    with connection:
        _begin(connection)
        try:
            yield connection
        except psycopg.Error as error:
            if connection.broken:
                message = f"The connection was lost: {explain(error)} Apply again to resume."
                raise FailedError(message) from error
            raise FailedError(f"PostgreSQL reported: {explain(error)} Fix the cause and try again.") from error


def _begin(connection: "psycopg.Connection[Any]") -> None:
    """Sets up the session, unless it is a pooler's, which would keep our settings for whoever has that session next.
    Through a pooler the lock would belong to a session that serves another client next, or be held forever
    (authentik #23876). A pooler reports a made-up backend process id in every mode, so one in session mode is refused
    as well: nothing distinguishes it."""
    settings = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in _SETTINGS.items())
    query = f"select {settings} where pg_backend_pid() = %s"
    if connection.execute(query.encode(), [connection.info.backend_pid]).fetchone() is None:
        address = f"{connection.info.host}:{connection.info.port}"
        message = "goes through a connection pooler; db-manager's lock needs a session of its own."
        fix = "Use the address of PostgreSQL itself."
        raise RefusedError([Problem(file="database", key="address", value=address, message=message, fix=fix)])


def plan(url: Address, configuration: Configuration, *, environment: str = "", test_data: bool = False) -> Plan:
    """What apply would do, and what it would refuse (`.refusals`). Changes nothing."""
    with connect(url) as connection:
        return _plan(connection, configuration, environment, test_data)[1]


def _plan(
    connection: "psycopg.Connection[Any]", configuration: Configuration, environment: str, test_data: bool
) -> tuple[DatabaseState, Plan]:
    """Planning is pure: where it needs row counts, it returns questions, and runs again with the answers."""
    live = _inspect(connection, configuration.schemas)
    while True:
        planned = make_plan(live, configuration, environment=environment, test_data=test_data)
        asked = {question for schema in planned.schemas for question in schema.questions} - live.answers.keys()
        if not asked and (live.dependents is not None or not planned.steps):
            return live, planned
        counted = count(connection, asked)
        live = msgspec.structs.replace(
            live,
            answers=live.answers | {question: rows for question, (rows, _) in counted.items()},
            examples=live.examples | {question: example for question, (_, example) in counted.items()},
            dependents=dependents(connection, [schema.name for schema in configuration.schemas]),
        )


def apply(
    url: Address,
    configuration: Configuration,
    *,
    environment: str = "local",
    test_data: bool = False,
    passwords: Mapping[str, str] | None = None,
    report: Report = lambda _: None,
    lock_wait: float = 60.0,
    patience: float = 60.0,
    approve: str | Iterable[str] = (),
    plan_file: Path | None = None,
) -> Result:
    """Apply the configuration to the database. Idempotent.

    `passwords` by role: a role that has one may log in. `lock_wait`: seconds to wait for another run to finish;
    `patience`: seconds that a step keeps retrying to get its table lock. `approve`: fingerprints of plans, or of one
    schema's plan, whose dangerous steps are approved. `plan_file`: a file written by `plan --out`; anything else is
    refused.
    Raises RefusedError, FailedError, LockError, NoDatabaseError.
    """
    started = time.monotonic()
    done = []
    with connect(url) as connection:
        live, planned = _plan(connection, configuration, environment, test_data)
        allowed = wanted_fingerprints(planned, approve, plan_file)
        stop_if_refused(live, planned, allowed)
        if live.environment is None or bookkeeping.is_older(live.layout):
            _bootstrap(connection, environment, lock_wait, report)
        if live.cluster_is_new:
            connection.execute(bookkeeping.RAISE_EPOCH.encode())
        if live.loads_statements and "pg_stat_statements" not in live.extensions:
            connection.execute(bookkeeping.KEEP_STATEMENTS)
        given: dict[str, Any] = {
            "environment": environment,
            "test_data": test_data,
            "report": report,
            "lock_wait": lock_wait,
            "patience": patience,
            "allowed": allowed,
        }
        for schema_plan in planned.schemas:
            schema = configuration[schema_plan.schema]
            if not schema_plan.empty:
                one = msgspec.structs.replace(configuration, schemas=(schema,))
                done.append(_apply_schema(connection, one, **given))
            else:
                report(Planned(schema=schema.name, steps=0))
                done.append(Applied(schema=schema.name, steps=0, versions={}))
        let_in(connection, passwords or {}, lock_wait)
    return Result(schemas=tuple(done), seconds=time.monotonic() - started)


def _apply_schema(
    connection: "psycopg.Connection[Any]",
    configuration: Configuration,
    *,
    environment: str,
    test_data: bool,
    report: Report,
    lock_wait: float,
    patience: float,
    allowed: Allowed,
) -> Applied:
    """Plans again under the schema's lock, as another run may have done the work meanwhile."""
    (schema,) = configuration.schemas
    with lock(connection, schema.name, lock_wait, lambda waited: report(LockWait(schema=schema.name, seconds=waited))):
        live, planned = _plan(connection, configuration, environment, test_data)
        stop_if_refused(live, planned, allowed)
        (schema_plan,) = planned.schemas
        report(Planned(schema=schema.name, steps=len(schema_plan.steps)))
        if not schema_plan.empty:
            Executor(connection, schema_plan, report, patience).execute(environment)
    versions = {change.collection: change.after for change in schema_plan.versions}
    return Applied(schema=schema.name, steps=len(schema_plan.steps), versions=versions)


def _bootstrap(connection: "psycopg.Connection[Any]", environment: str, wait: float, report: Report) -> None:
    with lock(connection, BOOTSTRAP, wait, lambda waited: report(LockWait(schema="dbm", seconds=waited))):
        live = inspect(connection, [])
        with connection.transaction():
            if not live.bootstrapped:
                connection.execute(bookkeeping.BOOTSTRAP)
                connection.execute(_CLOSE)
            if bookkeeping.is_older(live.layout):
                for known, upgrade in _UPGRADES:
                    if live.layout not in known:
                        connection.execute(upgrade.encode())
                connection.execute(f"comment on schema dbm is '{bookkeeping.LAYOUT}'".encode())
            if live.environment is None:
                connection.execute(bookkeeping.MARK.encode(), [environment])
    if live.environment not in {None, environment}:
        message = f"belongs to {live.environment}: another run marked it a moment ago."
        fix = f"Check the address, or pass --environment {live.environment}."
        raise RefusedError([Problem(file="database", key="environment", value=environment, message=message, fix=fix)])


def status(url: Address, configuration: Configuration, *, test_data: bool = False) -> DatabaseStatus:
    """The wanted and applied versions, and how many steps are pending."""
    with connect(url) as connection:
        live, planned = _plan(connection, configuration, "", test_data)
    collections = [item for schema in configuration.schemas for item in _collection_status(schema, live)]
    return DatabaseStatus(
        environment=live.environment,
        collections=tuple(collections),
        pending=sum(_pending(one) for one in planned.schemas),
        refusals=planned.refusals,
    )


def _pending(one: SchemaPlan) -> int:
    return max(len(one.steps), len(one.versions))


def _collection_status(schema: Schema, live: DatabaseState) -> Iterator[CollectionStatus]:
    applied = live.schema(schema.name).versions
    wanted = {collection.name: collection.version_text for collection in schema.collections}
    for name in sorted(wanted.keys() | applied.keys()):
        known: AppliedVersion | None = applied.get(name)
        yield CollectionStatus(
            schema=schema.name,
            collection=name,
            wanted=wanted.get(name),
            applied=known.version if known else None,
            applied_at=known.applied_at if known else None,
        )


def drift(url: Address, configuration: Configuration) -> tuple[DriftDifference, ...]:
    """What was changed or dropped by hand since the last apply, whatever the files say now."""
    with connect(url) as connection:
        names = [schema.name for schema in configuration.schemas]
        return differences(_inspect(connection, configuration.schemas), definitions(connection, names))


def reset(url: Address, configuration: Configuration, *, lock_wait: float = 60.0) -> None:
    """Drop the configuration's schemas and what is recorded about them. Only where the marker says local."""
    with connect(url) as connection:
        live = _inspect(connection, configuration.schemas)
        if live.environment not in {None, "local"}:
            message = f"belongs to {live.environment}; reset deletes all data and works on local databases only."
            raise RefusedError(
                [
                    Problem(
                        file="database",
                        key="environment",
                        message=message,
                        fix="Check --url: it must be a local database.",
                    )
                ]
            )
        known = _TABLES_1 if live.layout == bookkeeping.LAYOUT_1 else _TABLES_2
        for schema in configuration.schemas:
            with lock(connection, schema.name, lock_wait):
                _drop(connection, schema.name, known if live.bootstrapped else ())


def _drop(connection: "psycopg.Connection[Any]", schema: str, tables: tuple[str, ...]) -> None:
    try:
        with connection.transaction():
            connection.execute("set local lock_timeout = '5s'")
            connection.execute(f"drop schema if exists {schema} cascade".encode())
            for table in tables:
                connection.execute(f"delete from dbm.{table} where schema = %s".encode(), [schema])  # noqa: S608 (constants)
    except psycopg.errors.LockNotAvailable as error:
        problem = Problem(
            file="database", key=schema, message=explain(error), fix="Stop the services first: gate down."
        )
        raise RefusedError([problem]) from None


def _inspect(connection: "psycopg.Connection[Any]", schemas: tuple[Schema, ...]) -> DatabaseState:
    roles = {role: schema.name for schema in schemas for role in (schema.service_role, schema.reader_role)}
    return inspect(connection, [schema.name for schema in schemas], roles, definitions=True)
