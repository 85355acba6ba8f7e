"""The address of a database. A password may be short-lived (an IAM token on RDS lasts 15 minutes): then it is minted
for each connection and never stored."""

import shlex
import subprocess
from collections.abc import Callable

from psycopg.conninfo import make_conninfo

from gatehouse_db_manager.errors import NoDatabaseError

# An address, or a function that returns one for each connection.
Address = str | Callable[[], str]
_SECONDS = 30


def minting(url: str, command: str) -> Callable[[], str]:
    """A function that returns the address with the output of `command` as its password."""

    def minted() -> str:
        reason = f"took more than {_SECONDS} s"
        try:
            done = subprocess.run(  # noqa: S603 (the operator's own command)
                shlex.split(command), capture_output=True, text=True, timeout=_SECONDS, check=False
            )
            said = done.stderr.strip().splitlines() or ["it printed nothing"]
            reason = f"ended with {done.returncode}: {said[-1]}"
            if done.returncode == 0 and done.stdout.strip():
                return make_conninfo(url, password=done.stdout.strip())
        except OSError as error:
            reason = f"can't be run: {error.strerror}"
        except subprocess.TimeoutExpired:
            pass
        raise NoDatabaseError(f"The password command {reason}. Fix: run it by hand and correct it: {command}")

    return minted
