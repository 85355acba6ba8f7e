"""Lets roles log in. Passwords are sent as SCRAM verifiers, so they never reach a statement log, and a role that
already has its password is not changed."""

import base64
import functools
import hashlib
import hmac
import random
import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import errors

from gatehouse_db_manager.config.values import quote
from gatehouse_db_manager.errors import FailedError


def let_in(connection: "psycopg.Connection[Any]", passwords: Mapping[str, str], patience: float = 60.0) -> None:
    """Gives each role its password and LOGIN, unless it has both."""
    if not passwords:
        return
    known = _verifiers(connection, list(passwords))
    query = "select rolname from pg_roles where rolname = any(%s)"
    roles = {name for (name,) in connection.execute(query, [list(passwords)]).fetchall()}
    if missing := sorted(passwords.keys() - roles):
        raise FailedError(
            f"Can't set a password: role {', '.join(missing)} doesn't exist. schema.yaml names the roles."
        )
    for role, password in passwords.items():
        if role in known and known[role] and matches(password, known[role]):
            continue
        verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        _alter(connection, f"alter role {role} login password {quote(verifier)}", patience)


def _verifiers(connection: "psycopg.Connection[Any]", roles: list[str]) -> dict[str, str]:
    """Only a superuser may read them; otherwise (RDS) passwords are set again."""
    query = """select rolname, case when rolcanlogin then coalesce(rolpassword, '') else '' end
        from pg_authid where rolname = any(%s)"""
    try:
        return dict(connection.execute(query, [roles]).fetchall())
    except errors.InsufficientPrivilege:
        return {}


def _alter(connection: "psycopg.Connection[Any]", statement: str, patience: float) -> None:
    """Roles are shared by the cluster; two databases may set the same one concurrently."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute(statement.encode())
            return
        except errors.InternalError_:  # tuple concurrently updated
            if time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.01, 0.05))  # noqa: S311 (jitter)


@functools.lru_cache(maxsize=256)
def matches(password: str, verifier: str) -> bool:
    """Whether a verifier (RFC 5803: SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey) matches a password."""
    kind, _, rest = verifier.partition("$")
    if kind != "SCRAM-SHA-256":
        return False
    parameters, _, keys = rest.partition("$")
    iterations, _, salt = parameters.partition(":")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
    client = hmac.new(salted, b"Client Key", "sha256").digest()
    return hmac.compare_digest(hashlib.sha256(client).digest(), base64.b64decode(keys.partition(":")[0]))
