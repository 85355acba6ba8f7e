"""The steps on the database, each in a process of its own, so that the runner stays small and answers meanwhile.

`python -m gatehouse_local.runner.database_step apply|reset ROOT STATE PORT`. `apply` lets db-manager bring the
database to what the checkout says and keeps `gatehouse_seed`, a template with nothing but the test data; `reset`
puts a copy of it in place.
"""

import hashlib
import sys
from pathlib import Path

from gatehouse_local.runner.postgres import DATABASE, Embedded

SEED = "gatehouse_seed"
NEXT = "_next"  # databases are made under this ending and renamed, so a killed step leaves no half one
OLD = "_old"  # and the one before goes away under this


def digest(root: Path) -> str:
    """Of all that decides what a seeded database holds."""
    found = hashlib.sha256()
    files = [*root.glob("services/*/database/**/*"), *root.glob("services/*/service.toml")]
    files += [*root.glob("services/chassis/gatehouse_chassis/schema/*"), *root.glob("db-manager/types/**/*")]
    files += [*root.glob("db-manager/gatehouse_db_manager/**/*.py")]
    for file in sorted(path for path in files if path.is_file()):
        found.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes() + b"\0")
    return found.hexdigest()[:16]


class Databases:
    """Creating, copying and swapping databases of the embedded server."""

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

    def put(self, new: str, name: str) -> None:
        """Renames `new` to `name`, in place of the one that may be there; its users are cut off and come again.

        Dropping takes 100 ms and more, renaming 10: so the old one goes out of the way first, and is dropped later.
        """
        old = name + OLD
        self.drop(old)
        for statement in self._grants(name, new):
            self.run(statement)
        if self.exists(name):
            self.run(f'alter database "{name}" allow_connections false')
            self.cut_off(name)
            self.run(f'alter database "{name}" rename to "{old}"')
        self.run(f'alter database "{new}" rename to "{name}"')
        self.drop(old)

    def exists(self, name: str) -> bool:
        return bool(self.run("select 1 from pg_database where datname = %s", name))

    def cut_off(self, name: str) -> None:
        """Ends the sessions of a database, and waits until they are gone."""
        self.run("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", name)

    def copy(self, source: str, name: str) -> None:
        self.cut_off(source)
        self.create(name + NEXT, template=source)
        self.put(name + NEXT, name)

    def comment(self, name: str) -> str | None:
        found = self.run("select shobj_description(oid, 'pg_database') from pg_database where datname = %s", name)
        return found[0][0] if found else None

    def _grants(self, name: str, new: str) -> list[str]:
        """What a copy doesn't bring along: who may do what with the database itself."""
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
    databases = Databases(embedded)
    fresh = not _is_managed(embedded)
    _apply(root, embedded, embedded.admin_url)
    now = digest(root)
    if databases.comment(SEED) != now:
        if fresh:
            databases.copy(DATABASE, SEED)
        else:
            _build_seed(root, embedded, databases)
        databases.run(f"comment on database \"{SEED}\" is '{now}'")


def reset(root: Path, embedded: Embedded) -> None:
    databases = Databases(embedded)
    now = digest(root)
    if databases.comment(SEED) != now:
        _build_seed(root, embedded, databases)
        databases.run(f"comment on database \"{SEED}\" is '{now}'")
    databases.copy(SEED, DATABASE)
    _say("The database holds the test data again, and nothing else.")


def _build_seed(root: Path, embedded: Embedded, databases: Databases) -> None:
    databases.create(SEED + NEXT)
    _apply(root, embedded, embedded.url(SEED + NEXT), quiet=True)
    databases.put(SEED + NEXT, SEED)


def _is_managed(embedded: Embedded) -> bool:
    import psycopg  # noqa: PLC0415 - as above

    with psycopg.connect(embedded.admin_url) as connection:
        found = connection.execute("select to_regnamespace('dbm') is not null").fetchone()
    return bool(found and found[0])


def _apply(root: Path, embedded: Embedded, url: str, *, quiet: bool = False) -> None:
    import gatehouse_db_manager as manager  # noqa: PLC0415 - 100 ms that `reset` doesn't need
    from gatehouse_catalog import load_catalog  # noqa: PLC0415 - as above
    from gatehouse_local.runner.platform_specs import role_passwords  # noqa: PLC0415 - as above

    result = manager.apply(
        url,
        manager.load(root),
        environment="local",
        test_data=True,
        passwords=role_passwords(load_catalog(root), embedded.state),
    )
    for schema in () if quiet else result.schemas:
        if schema.steps or schema.versions:
            versions = ", ".join(f"{name} {version}" for name, version in schema.versions.items())
            _say(f"{schema.schema}: {schema.steps} steps; now {versions or 'the same versions'}")
    if not quiet and not result.changed:
        _say("The database is as the checkout says already.")


def _say(text: object) -> None:
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
