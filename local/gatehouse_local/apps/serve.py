"""`python -m gatehouse_local.apps.serve APP`: becomes the process that serves an app with hot reload.

The runner starts it like a service; it installs Node.js and the packages first, if they aren't there.
"""

import os
import sys

from gatehouse_catalog import CatalogError, find_root, load_service
from gatehouse_local.apps import node, tools


def main(name: str) -> None:
    root = find_root()
    try:
        service = load_service(root / "services" / name)
        program = node.ready(root, lambda line: print(line, flush=True))  # noqa: T201 - into the app's log
    except (CatalogError, node.NoNode) as error:
        sys.exit(str(error))
    command = tools.serve(root, program, service.folder)
    os.execve(command[0], command, node.environment_for(program))  # noqa: S606 - the node installed here


if __name__ == "__main__":
    main(sys.argv[1])
