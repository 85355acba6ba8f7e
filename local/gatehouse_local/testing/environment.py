"""The environment of every test and its children, so that no result depends on how a machine is set up.

Set once, in the process that runs pytest; xdist's workers and everything that tests start inherit it.
"""

import time
from collections.abc import MutableMapping
from pathlib import Path

# Variables of a developer's shell that change what programs do or print, by prefix ...
_REMOVED = (
    *("GIT_", "AWS_", "PULUMI_", "PG", "OTEL_", "FORCE_COLOR", "NO_COLOR", "CLICOLOR"),
    *("COLUMNS", "LINES", "PYTHONPATH", "PYTHONWARNINGS", "PYTHONOPTIMIZE"),
)
_KEPT = ("GIT_SSL_", "AWS_CA_BUNDLE")  # ... but not where a network has its own certificate authority
_SET = {
    "GIT_CONFIG_GLOBAL": str(Path(__file__).with_name("gitconfig")),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",  # a question for a password would wait for ever
    "PYTHONUNBUFFERED": "1",  # a test that waits for a child's line must not wait for its buffer to fill
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "GATEHOUSE_REHEARSAL": "off",  # whoever tests may have one in this checkout
}


def isolate(variables: MutableMapping[str, str]) -> None:
    """Removes what a developer's shell may hold, and sets what programs need to behave the same everywhere."""
    for name in list(variables):
        if name.startswith(_REMOVED) and not name.startswith(_KEPT):
            del variables[name]
    variables.update(_SET)
    time.tzset()
