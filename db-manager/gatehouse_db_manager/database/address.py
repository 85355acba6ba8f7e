"""Where a database is, and who we are there. A password may last only minutes, as RDS gives one for an IAM role (15 of
them): then it is minted for each connection, never kept."""

import shlex
import subprocess
from collections.abc import Callable

from psycopg.conninfo import make_conninfo

from gatehouse_db_manager.errors import NoDatabaseError

# An administrator's address, or what gives one anew for each connection.
Address = str | Callable[[], str]
_SECONDS = 30


def minting(url: str, command: str) -> Callable[[], str]:
    """The address with what `command` prints as its password, asked each time."""

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
        raise NoDatabaseError(f"The password command {reason}. Fix: try it by hand: {command}")

    return minted
