"""Secrets of the local platform: generated once per checkout, in `<state>/secrets.toml`, readable by the owner only.

They are real random secrets, so that nothing local can be mistaken for (or lead to) a shared default password. In AWS
the same settings come from Secrets Manager; this module isn't used there.
"""

import contextlib
import fcntl
import os
import secrets as random
import tomllib
from collections.abc import Generator
from pathlib import Path


class SecretsError(Exception):
    """The file of local secrets can't be used; the message says which line and how to fix it."""


class Secrets:
    """The secrets of one state folder. Safe when several processes ask at once: a lock file guards the writing."""

    def __init__(self, state: Path) -> None:
        self.file = state / "secrets.toml"

    def get(self, owner: str, key: str) -> str:
        """The secret `key` of `owner` (a service's name, `postgres`, `roles`), generated at the first call."""
        found = self._read().get(owner, {}).get(key)
        if found is not None:
            return found
        with self._locked():
            tables = self._read()
            value = tables.setdefault(owner, {}).setdefault(key, random.token_urlsafe(32))
            self._write(tables)
        return value

    def role_password(self, role: str) -> str:
        """The password of a database role."""
        return self.get("roles", role)

    def administrator_password(self) -> str:
        """The password of the embedded PostgreSQL's administrator."""
        return self.get("postgres", "administrator")

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            tables = tomllib.loads(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SecretsError(
                f"{self.file}: not readable as TOML ({error}). Fix the line, or delete the file together with "
                f"{self.file.parent / 'postgres'} to begin anew (local data is lost)."
            ) from error
        for owner, table in tables.items():
            if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
                raise SecretsError(f"{self.file}: [{owner}] must be a table of texts. Delete what is not.")
        return tables

    def _write(self, tables: dict[str, dict[str, str]]) -> None:
        lines = ["# Made by gate for this checkout only. Delete it together with the database beside it.\n"]
        for owner in sorted(tables):
            lines.append(f"\n[{_text(owner)}]\n")
            lines += [f"{_text(key)} = {_text(value)}\n" for key, value in sorted(tables[owner].items())]
        write_private(self.file, "".join(lines))

    @contextlib.contextmanager
    def _locked(self) -> Generator[None]:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def write_private(file: Path, text: str) -> None:
    """Replaces `file` in one step by a file that only its owner may read."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
