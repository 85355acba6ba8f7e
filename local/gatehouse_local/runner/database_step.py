"""Database work of the runner, each step in its own process: the runner stays small and keeps answering.

`python -m gatehouse_local.runner.database_step apply|reset ROOT STATE PORT`. `apply` runs db-manager's apply and keeps
`gatehouse_seed`, a template with only the test data; `reset` replaces the database with a copy of it.
"""

import hashlib
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from gatehouse_catalog import load_catalog
from gatehouse_catalog.laid_out import LaidOutEnvironment, laid_out_in
from gatehouse_local.postgres_wheels import unusable_schemas
from gatehouse_local.runner.postgres import DATABASE, Embedded

SEED = "gatehouse_seed"
NEXT = "_next"  # a database is created under this suffix, then renamed: a killed step leaves no partial one
OLD = "_old"  # the previous one is renamed to this, then dropped


def seed_digest(root: Path) -> str:
    """A digest of every file that determines the content of a seeded database."""
    digest = hashlib.sha256()
    files = [*root.glob("services/*/database/**/*"), *root.glob("services/*/service.toml")]
    files += [*root.glob("services/chassis/gatehouse_chassis/schema/*"), *root.glob("db-manager/types/**/*")]
    files += [*root.glob("db-manager/gatehouse_db_manager/**/*.py")]
    for file in sorted(path for path in files if path.is_file()):
        digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


class Databases:
    """Creates, copies and swaps databases of the embedded server."""

    def __init__(self, embedded: Embedded) -> None:
        import psycopg  # noqa: PLC0415 - 60 ms that importing this module for its names shouldn't cost

        self._connection = psycopg.connect(embedded.maintenance_url, autocommit=True)

    def run(self, statement: str, *values: str) -> list[tuple]:
        cursor = self._connection.execute(statement, values or None)  # ty: ignore[invalid-argument-type]
        return cursor.fetchall() if cursor.description else []

    def create(self, name: str, template: str = "template1") -> None:
        self.drop(name)
        self.run(f'create database "{name}" template "{template}"')

    def drop(self, name: str) -> None:
        self.run(f'drop database if exists "{name}" with (force)')

    def replace(self, name: str, new: str, *, rights_of: str) -> None:
        """Renames `new` to `name`, replacing an existing database; its sessions are terminated and reconnect.

        `rights_of`: the database whose own rights it gets, as neither a copy nor a dump has them.

        Dropping takes 100 ms or more, renaming 10: so the old one is renamed first and dropped afterwards.
        """
        old = name + OLD
        self.drop(old)
        for statement in self._grants(rights_of, new):
            self.run(statement)
        if self.exists(name):
            self.run(f'alter database "{name}" allow_connections false')
            self.terminate_sessions(name)
            self.run(f'alter database "{name}" rename to "{old}"')
        self.run(f'alter database "{new}" rename to "{name}"')
        self.drop(old)

    def exists(self, name: str) -> bool:
        return bool(self.run("select 1 from pg_database where datname = %s", name))

    def terminate_sessions(self, name: str) -> None:
        """Terminates the sessions of a database and waits until they are gone."""
        self.run("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", name)

    def copy(self, source: str, name: str) -> None:
        self.terminate_sessions(source)
        self.create(name + NEXT, template=source)
        self.replace(name, name + NEXT, rights_of=source)

    def comment(self, name: str) -> str | None:
        rows = self.run("select shobj_description(oid, 'pg_database') from pg_database where datname = %s", name)
        return rows[0][0] if rows else None

    def _grants(self, name: str, new: str) -> list[str]:
        """Statements that give `new` the rights on the database `name` itself."""
        acl = self.run(
            "select case when grantee = 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end, privilege_type "
            "from pg_database, aclexplode(datacl) where datname = %s",
            name,
        )
        if not acl:
            return []
        return [
            f'revoke all on database "{new}" from public',
            *(f'grant {privilege} on database "{new}" to {role}' for role, privilege in acl),
        ]


def apply(root: Path, embedded: Embedded) -> None:
    released = laid_out_in(embedded.state)
    if released is not None:
        apply_released(released, embedded)
        return
    databases = Databases(embedded)
    fresh = not _is_managed(embedded)
    bring_up_to_date(root, embedded, embedded.admin_url)
    now = seed_digest(root)
    if databases.comment(SEED) != now:
        if fresh:
            databases.copy(DATABASE, SEED)
        else:
            _build_seed(root, embedded, databases)
        databases.run(f"comment on database \"{SEED}\" is '{now}'")


def reset(root: Path, embedded: Embedded) -> None:
    databases = Databases(embedded)
    now = seed_digest(root)
    if databases.comment(SEED) != now:
        _build_seed(root, embedded, databases)
        databases.run(f"comment on database \"{SEED}\" is '{now}'")
    databases.copy(SEED, DATABASE)
    _print("The database is reset to the test data.")


def apply_released(released: LaidOutEnvironment, embedded: Embedded) -> None:
    """Each service's own schema, as the commit has it that the service's release was built from."""
    for code, names in released.by_code.items():
        root = Path(code)
        catalog = load_catalog(root)
        schemas = {one.database.schema for one in catalog if one.database and one.name in names}
        approved = [word for name in names for word in released.approved_plans.get(name, "").split()]
        bring_up_to_date(root, embedded, embedded.admin_url, only=schemas, approve=approved)


def _build_seed(root: Path, embedded: Embedded, databases: Databases) -> None:
    databases.create(SEED + NEXT)
    bring_up_to_date(root, embedded, embedded.url(SEED + NEXT), quiet=True)
    databases.replace(SEED, SEED + NEXT, rights_of=SEED + NEXT)


def _is_managed(embedded: Embedded) -> bool:
    import psycopg  # noqa: PLC0415 - as above

    with psycopg.connect(embedded.admin_url) as connection:
        row = connection.execute("select to_regnamespace('dbm') is not null").fetchone()
    return bool(row and row[0])


def bring_up_to_date(
    root: Path,
    embedded: Embedded,
    url: str,
    *,
    quiet: bool = False,
    only: Collection[str] | None = None,
    approve: Iterable[str] = (),
) -> None:
    """Applies the checkout's configuration, or that of the schemas in `only`, to the database at `url`.

    `approve`: fingerprints of plans whose dangerous steps are approved. Raises what db-manager raises.
    """
    import gatehouse_db_manager  # noqa: PLC0415 - 100 ms that `reset` doesn't need
    from gatehouse_local.runner.platform_specs import role_passwords  # noqa: PLC0415 - as above

    configuration = gatehouse_db_manager.load(root)
    unusable = unusable_schemas(root)
    passwords = role_passwords(load_catalog(root), embedded.state)
    if only is not None:
        chosen = tuple(schema for schema in configuration.schemas if schema.name in only)
        configuration = msgspec.structs.replace(configuration, schemas=chosen)
        roles = {role for schema in chosen for role in schema.roles}
        passwords = {role: password for role, password in passwords.items() if role in roles}
    if unusable:
        for why in () if quiet else unusable.values():
            _print(f"{why}; this schema is left out.")
        usable = tuple(schema for schema in configuration.schemas if schema.name not in unusable)
        configuration = msgspec.structs.replace(configuration, schemas=usable)
    result = gatehouse_db_manager.apply(
        url,
        configuration,
        environment="local",
        test_data=True,
        passwords=passwords,
        approve=approve,
    )
    for schema in () if quiet else result.schemas:
        if schema.steps or schema.versions:
            versions = ", ".join(f"{name} {version}" for name, version in schema.versions.items())
            _print(f"{schema.schema}: {schema.steps} steps; now {versions or 'the same versions'}")
    if not quiet and not result.changed:
        _print("The database is up to date.")


def _print(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(action: str, root: str, state: str, port: str) -> None:
    embedded = Embedded(Path(state), int(port))
    embedded.wait_ready()
    embedded.write_url_file()
    {"apply": apply, "reset": reset}[action](Path(root), embedded)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:
        if not type(error).__module__.startswith("gatehouse_"):
            raise
        sys.exit(f"Error: {error}")
