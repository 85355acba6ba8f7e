"""`gate db`: the command line of db-manager. Only click is imported at the top, so that `gate --help` stays quick."""

# ruff: noqa: PLC0415 (everything else is imported by the command that needs it)

import os
import shlex
import sys
from importlib.metadata import entry_points
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import EntryPoint

    from gatehouse_db_manager.config.model import Configuration
    from gatehouse_db_manager.database.address import Address
    from gatehouse_db_manager.errors import Problem

_URL_FILE = Path(".gate") / "postgres.url"


class _Group(click.Group):
    """Prints db-manager's errors as a sentence and exits with their code. Other parts add commands by entry points."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_added()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        added = _added().get(cmd_name)
        return added.load() if added else super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        from gatehouse_db_manager.errors import DbManagerError
        from gatehouse_db_manager.execution.interrupts import interruptible

        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")  # an ASCII-only log gets a ? instead of a tick
        try:
            with interruptible():
                return super().invoke(ctx)
        except DbManagerError as error:
            from gatehouse_db_manager.cli.terminal import show_error

            show_error(error)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt as stop:
            from gatehouse_db_manager.cli.terminal import show_error
            from gatehouse_db_manager.errors import FailedError

            show_error(
                FailedError(
                    f"The command was {stop or 'stopped'}. Completed steps are recorded; run apply again to resume."
                )
            )
            ctx.exit(FailedError.exit_code)
        except BrokenPipeError:
            raise  # the reader, such as `head`, has closed the pipe
        except OSError as error:
            from gatehouse_db_manager.cli.terminal import show_error
            from gatehouse_db_manager.errors import FailedError

            show_error(FailedError(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}."))
            ctx.exit(FailedError.exit_code)


def _added() -> dict[str, "EntryPoint"]:
    """Commands that only a checkout has, as they need the PostgreSQL programs there: shell, backup, restore."""
    return {declared.name: declared for declared in entry_points(group="gatehouse.commands.db")}


class _FilePath(click.Path):
    """A path in the caller's folder: `gate` changes into its own checkout before options are read."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        folder = ctx.meta.get("gatehouse_local.caller", Path()) if ctx else Path()
        return super().convert(folder / value, param, ctx)


class _Where:
    """The checkout and the database that a command works on."""

    def __init__(self, root: Path | None, url: str | None, schemas: tuple[str, ...], minting: str | None) -> None:
        self._root = root
        self._url = url
        self._minting = minting
        self.schemas = schemas or None

    @property
    def root(self) -> Path:
        from gatehouse_catalog import CatalogError, find_root

        try:
            return self._root or find_root()
        except CatalogError as error:
            raise click.UsageError(str(error)) from None

    @property
    def url(self) -> "Address":
        if self._url:
            return _address(self._url, self._minting)
        file = self.root / _URL_FILE
        if file.is_file():
            return file.read_text(encoding="utf-8").strip()
        from gatehouse_db_manager.errors import NoDatabaseError

        raise NoDatabaseError(
            "No local database is running. Start it with ./local/up db, or pass the address of another one with "
            "--url (or GATEHOUSE_ADMIN_URL)."
        )

    def load(self) -> "Configuration":
        from gatehouse_db_manager.config.load import load

        return load(self.root, self.schemas)


_password_command = click.option(
    "--password-command",
    envvar="GATEHOUSE_ADMIN_PASSWORD_COMMAND",
    help="A command that prints the administrator's password. Runs for each connection, for short-lived tokens (RDS).",
)


def _address(url: str, minting: str | None) -> "Address":
    from gatehouse_db_manager.database import address

    return address.minting(url, minting) if minting else url


def _where(function: Any) -> Any:
    """Options that every command has."""

    def wrapped(
        root: Path | None, url: str | None, schema: tuple[str, ...], password_command: str | None, **given: Any
    ) -> Any:
        return function(_Where(root, url, schema, password_command), **given)

    wrapped.__doc__, wrapped.__name__ = function.__doc__, function.__name__
    vars(wrapped)["__click_params__"] = getattr(function, "__click_params__", [])
    for option in (
        click.option("--schema", multiple=True, help="Only this schema (repeatable)."),
        _password_command,
        click.option("--url", envvar="GATEHOUSE_ADMIN_URL", help="Address of the database, as an administrator."),
        click.option(
            "--root",
            envvar="GATEHOUSE_DB_ROOT",
            type=_FilePath(path_type=Path, exists=True, file_okay=False),
            help="The checkout.",
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
_test_data = click.option("--test-data/--no-test-data", help="Also load test data (never in production).")
_environment = click.option(
    "--environment",
    envvar="GATEHOUSE_ENVIRONMENT",
    default="local",
    show_default=True,
    help="The environment this database belongs to; refused if its marker differs.",
)


def _passwords(configuration: "Configuration") -> dict[str, str]:
    """Passwords by role, from GATEHOUSE_PASSWORD_<ROLE>; a role without one can't log in. Not a flag, as `ps` shows
    those."""
    roles = [role for schema in configuration.schemas for role in (schema.service_role, schema.reader_role)]
    given = {role: os.environ.get(f"GATEHOUSE_PASSWORD_{role.upper()}") for role in roles}
    return {role: password for role, password in given.items() if password}


def _next(word: str) -> str:
    """The next command to type, with the same options. An address may hold a password, so it isn't repeated."""
    context = click.get_current_context()
    words = [*context.command_path.split()[:-1], word]
    for name, flag in (("root", "--root"), ("schema", "--schema"), ("environment", "--environment")):
        if context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE:
            given = context.params[name]
            words += [part for one in (given if isinstance(given, tuple) else [given]) for part in (flag, str(one))]
    if context.params.get("test_data"):
        words.append("--test-data")
    if context.get_parameter_source("url") == click.core.ParameterSource.COMMANDLINE:
        words += ["--url", "..."]
    return shlex.join(words)


@click.group(cls=_Group)
def db() -> None:
    """Plan, apply and inspect the database schema."""


@db.command()
@_where
@_as_json
@_test_data
@_environment
@click.option("--out", type=_FilePath(path_type=Path, dir_okay=False), help="Also write the plan to this file (JSON).")
@click.option(
    "--sql/--no-sql", default=None, help="Print the statements of each step; by default if there are few steps."
)
def plan(where: _Where, as_json: bool, test_data: bool, environment: str, out: Path | None, sql: bool | None) -> None:
    """Show what apply would do. Changes nothing."""
    from gatehouse_db_manager import api
    from gatehouse_db_manager.cli import json_output
    from gatehouse_db_manager.cli.show import print_json, show_plan

    planned = api.plan(where.url, where.load(), environment=environment, test_data=test_data)
    if out:
        out.write_text(json_output.as_json(planned), encoding="utf-8", newline="\n")
    print_json(planned) if as_json else show_plan(planned, _next("apply"), sql)
    if planned.refusals:
        raise click.exceptions.Exit(3)


@db.command()
@_where
@_as_json
@_test_data
@_environment
@click.option(
    "--lock-wait", type=float, default=60.0, show_default=True, help="Seconds to wait for another run to finish."
)
@click.option("--approve", multiple=True, help="Fingerprint of a plan whose dangerous steps you approve.")
@click.option(
    "--plan",
    "plan_file",
    type=_FilePath(path_type=Path, dir_okay=False, exists=True),
    help="Apply only this plan, written by `plan --out`; refused if a different one is needed now.",
)
def apply(where: _Where, as_json: bool, **given: Any) -> None:
    """Apply the configuration to the database."""
    from gatehouse_db_manager import api
    from gatehouse_db_manager.cli.show import print_json, progress, show_result

    configuration = where.load()
    given["passwords"] = _passwords(configuration)
    if as_json:
        print_json(api.apply(where.url, configuration, **given))
        return
    with progress() as report:
        result = api.apply(where.url, configuration, report=report, **given)
    show_result(result)


@db.command()
@_where
@_as_json
def drift(where: _Where, as_json: bool) -> None:
    """Check the database for changes made by hand since the last apply. Exits 3 if there are any."""
    from gatehouse_db_manager import api
    from gatehouse_db_manager.cli.show import print_json, show_drift

    found = api.drift(where.url, where.load())
    print_json(found) if as_json else show_drift(found)
    if found:
        raise click.exceptions.Exit(3)


@db.command()
@_where
@_as_json
def status(where: _Where, as_json: bool) -> None:
    """Show the wanted and the applied version of each collection."""
    from gatehouse_db_manager import api
    from gatehouse_db_manager.cli.show import print_json, show_status

    found = api.status(where.url, where.load())
    print_json(found) if as_json else show_status(found)


@db.command()
@_where
@click.option("--applied", is_flag=True, help="Compare the services' tables with the database instead of the files.")
@click.option(
    "--against",
    metavar="FOLDER",
    type=_FilePath(path_type=Path, file_okay=False, exists=True),
    help="A checkout whose configuration is taken as applied: what it makes immutable must not have changed.",
)
@_as_json
def check(where: _Where, applied: bool, against: Path | None, as_json: bool) -> None:
    """Check configuration files, SQL files and the services' tables. Needs no database."""
    from gatehouse_db_manager.cli.json_output import CheckResult
    from gatehouse_db_manager.cli.show import print_json, show_check
    from gatehouse_db_manager.errors import ConfigurationError

    try:
        configuration = _check(where, applied, against)
    except ConfigurationError as error:
        if not as_json:
            raise
        print_json(CheckResult(schemas=(), problems=error.problems))
        raise click.exceptions.Exit(error.exit_code) from None
    if as_json:
        print_json(CheckResult(schemas=tuple(one.name for one in configuration.schemas), problems=()))
    else:
        show_check(configuration)


def _check(where: _Where, applied: bool, against: Path | None) -> "Configuration":
    from gatehouse_db_manager import api
    from gatehouse_db_manager.cli.lint import lint
    from gatehouse_db_manager.database import contract
    from gatehouse_db_manager.errors import ConfigurationError

    configuration = where.load()
    problems = lint(where.root, configuration)
    problems += [one for schema in configuration.schemas for part in schema.collections for one in part.undeclared]
    columns = contract.configured(configuration)
    if applied:
        with api.connect(where.url) as connection:
            columns = contract.applied(connection, [schema.name for schema in configuration.schemas])
    problems += contract.check(where.root, configuration, columns)
    if against is not None:
        problems += _refused_after(against, configuration)
    if problems:
        raise ConfigurationError(problems)
    return configuration


def _refused_after(earlier: Path, configuration: "Configuration") -> "Sequence[Problem]":
    """What a database with the earlier configuration would refuse."""
    from gatehouse_db_manager import plan_between
    from gatehouse_db_manager.config.load import load
    from gatehouse_db_manager.errors import ConfigurationError

    try:
        before = load(earlier)
    except ConfigurationError as error:
        click.echo(f"Not compared with {earlier}: this db-manager can't read what is there. {error}", err=True)
        return ()
    return plan_between(before, configuration).refusals


@db.command("import")
@click.option("--schema", multiple=True, help="Only this schema (repeatable).")
@click.option(
    "--url", envvar="GATEHOUSE_ADMIN_URL", required=True, help="Address of the database, as an administrator."
)
@_password_command
@click.option("--out", type=_FilePath(path_type=Path, file_okay=False), required=True, help="The checkout to write to.")
@_environment
@click.option("--table", multiple=True, help="Only this table of a managed schema, as schema.table (repeatable).")
@click.option("--files-only", is_flag=True, help="Only write files; don't record anything in the database.")
@_as_json
def import_(
    schema: tuple[str, ...],
    table: tuple[str, ...],
    out: Path,
    environment: str,
    files_only: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Take over an existing database: write its configuration files.

    Adds db-manager's records (schema dbm) and two roles per schema; changes nothing else in the database. What the
    files can't express is listed by name.
    """
    from gatehouse_db_manager import api
    from gatehouse_db_manager.cli.show import print_json, show_import
    from gatehouse_db_manager.config.load import load
    from gatehouse_db_manager.errors import ConfigurationError, Problem, nearest

    try:
        from gatehouse_db_manager.importer import read, write
    except ModuleNotFoundError:
        raise click.ClickException(
            "Database images don't include the importer. Fix: run gate db import from a checkout."
        ) from None
    from gatehouse_db_manager.importer.adopt import adopt
    from gatehouse_db_manager.importer.record import record, stop_if_managed

    where = _address(given["url"], given["password_command"])
    if table:
        adopted = adopt(where, table, out, environment=environment)
        left = api.plan(where, load(out, adopted.schemas), environment=environment)
        listed = {"files": sorted(adopted.files), "unmanaged": adopted.unmanaged, "schemas": adopted.schemas}
        print_json(listed) if as_json else show_import(adopted, out, left)
        return
    with api.connect(where) as connection:
        found = read.read(connection, schema or None)
    if unknown := sorted(set(schema) - found.schemas.keys()):
        raise ConfigurationError(
            [
                Problem(
                    file="database",
                    key="schema",
                    value=name,
                    message="does not exist in this database.",
                    fix=nearest(name, found.schemas),
                )
                for name in unknown
            ]
        )
    if not files_only:
        with api.connect(where) as connection:
            stop_if_managed(connection, found.schemas)  # before any file is written
    imported = write.write(found, out)
    left = None
    if not files_only:
        left = record(where, load(out, imported.schemas), environment=environment)
    if as_json:
        print_json({"files": sorted(imported.files), "unmanaged": imported.unmanaged, "schemas": imported.schemas})
    else:
        show_import(imported, out, left)
    if left is not None and not left.empty:
        raise click.exceptions.Exit(3)


@db.command()
@_where
@click.option("--out", type=_FilePath(path_type=Path, file_okay=False), required=True, help="The folder to write to.")
def docs(where: _Where, out: Path) -> None:
    """Write a data dictionary and entity diagrams. Needs no database."""
    from gatehouse_db_manager.cli.data_dictionary import write

    written = write(where.load(), out)
    click.echo(f"Wrote {len(written)} files to {out}. Start with {out / 'index.md'}.")


@db.command()
@_where
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8433, show_default=True, help="0 picks a free port.")
def serve(where: _Where, host: str, port: int) -> None:
    """Serve /versions, /runs, /health and /metrics over HTTP. Read-only."""
    from gatehouse_db_manager.cli import http_server
    from gatehouse_db_manager.errors import FailedError

    watcher = http_server.Watcher(where.url, where.load())
    try:
        http_server.serve(watcher, host, port, lambda url: click.echo(f"Serving on {url}"))
    except OSError as error:
        message = (
            f"Can't listen on {host}:{port}: {error.strerror}. Choose another --port (0 picks a free one) or --host."
        )
        raise FailedError(message) from error


@db.command()
@_where
@_test_data
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
def reset(where: _Where, test_data: bool, yes: bool) -> None:
    """Drop the schemas with all their data and create them again. Local databases only."""
    from gatehouse_db_manager import api
    from gatehouse_db_manager.cli.show import progress, show_result

    configuration, url = where.load(), where.url
    names = ", ".join(schema.name for schema in configuration.schemas)
    if not yes:
        click.confirm(f"This deletes all data in {names}. Continue?", abort=True)
    api.reset(url, configuration)
    with progress() as report:
        result = api.apply(url, configuration, test_data=test_data, report=report)
    show_result(result)
