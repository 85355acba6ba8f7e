"""`python -m gatehouse_chassis ask URL...`: requests URLs from inside the network, and prints the responses.

A promotion reads the /version of every task. Tasks have private addresses, so it runs this command in a task beside
them (gatehouse_release.adapters.version_probe_task). It starts no service and needs no configuration.
"""

import http.client
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 5.0
AT_ONCE = 16
MOST_BYTES = 100_000
# The prefix of the line with the answers; Python may log others as it starts.
MARK = "gatehouse-answers "


def ask(address: str) -> str | None:
    """The response's text; None unless it is a 200."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        text = answer.read(MOST_BYTES).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return text if answer.status == http.client.OK else None


def main(addresses: list[str]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = dict(zip(addresses, pool.map(ask, addresses), strict=True))
    sys.stdout.write(f"{MARK}{json.dumps(answers)}\n")
