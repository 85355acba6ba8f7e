"""Runs the black-box suite against an environment, as anybody can: `./local/test blackbox ADDRESS`.

It knows nothing of the suite but its exit code and its last line.
"""

import re
import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from gatehouse_catalog.releases import ENVIRONMENTS
from gatehouse_release.git.files import stack_config
from gatehouse_release.model import BlackBox
from gatehouse_release.ports import BlackBoxSuite, NotConfigured, PortFailed

ADDRESS = "GATEHOUSE_ADDRESS_"  # and the environment's name in capitals: where people open it
# In production the suite sends nothing that changes anything; tests/blackbox/conftest.py holds it to that.
READ_ONLY = "GATEHOUSE_BLACKBOX_READ_ONLY"
# Services, separated by commas: what meets none of them is left out, by tests/blackbox/conftest.py.
CHANGED = "GATEHOUSE_BLACKBOX_CHANGED"
PATIENCE_SECONDS = 1200
# pytest's last line: "12 passed, 3 skipped in 4.56s".
ENDED = re.compile(
    r"^=*\s*(\d+ (?:passed|failed|error|skipped|deselected)[^=\n]*?)(?: in [\d.:]+s.*)?\s*=*$", re.MULTILINE
)

# As pytest names each at its end, without its parameters.
FAILED = re.compile(r"^(?:FAILED|ERROR) \S+::(\w+)", re.MULTILINE)
NAMED = 3  # of the tests that failed


def connect(root: Path, environ: Mapping[str, str]) -> BlackBoxSuite:
    """The suite of this checkout. An environment's address is what its stack file's `dns` says, unless
    GATEHOUSE_ADDRESS_<ENVIRONMENT> says otherwise."""
    return Suite(root, environ)


class Suite:
    """`program`: what runs tests, if not the door ./local/test, which installs what it lacks."""

    def __init__(self, root: Path, environ: Mapping[str, str], program: Sequence[str] = ()) -> None:
        self._root = root
        self._environ = dict(environ)
        self._program = program

    def run(self, environment: str, changed: Collection[str] = ()) -> BlackBox:
        """In production everything that may run there: that is little."""
        read_only = environment == ENVIRONMENTS[-1]
        only = "" if read_only else ",".join(sorted(changed))
        door = self._root / "local" / "test"
        if not door.is_file():
            raise NotConfigured(f"{door} isn't there.", "Fix: run this in a checkout.")
        try:
            done = subprocess.run(  # noqa: S603 - our own script
                # One process for a few tests: workers take longer to start, and don't count what is left out.
                [
                    *(self._program or [str(door)]),
                    "blackbox",
                    self._address(environment),
                    *(["-n", "0"] if only else []),
                ],
                cwd=self._root,
                env={**self._environ, **({READ_ONLY: "1"} if read_only else {}), **({CHANGED: only} if only else {})},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise PortFailed(
                f"The black-box suite took more than {PATIENCE_SECONDS} s against {environment}. Fix: check whether "
                "it answers at all, then try again."
            ) from error
        found = judged(done.returncode, done.stdout + done.stderr)
        left_out = f": what meets none of {only.replace(',', ', ')}" if " deselected" in found.summary and only else ""
        return msgspec.structs.replace(found, summary=found.summary + left_out)

    def _address(self, environment: str) -> str:
        given = self._environ.get(ADDRESS + environment.upper())
        if given:
            return given
        dns = stack_config(self._root, environment).get("gatehouse:dns") or {}
        if not dns.get("name"):
            raise NotConfigured(
                f"Nobody said where {environment} answers.", f"Fix: set {ADDRESS}{environment.upper()} to its address."
            )
        return f"https://{dns['name']}"


def judged(code: int, said: str) -> BlackBox:
    """Passed only if something passed: a suite that skipped everything has shown nothing."""
    ended = ENDED.findall(said)
    lines = said.strip().splitlines()
    summary = ended[-1].strip() if ended else (lines[-1].strip() if lines else f"ended with {code}")
    if names := list(dict.fromkeys(FAILED.findall(said)))[:NAMED]:
        summary += f"; {', '.join(names)}"
    return BlackBox(passed=code == 0 and " passed" in f" {summary}", summary=summary)
