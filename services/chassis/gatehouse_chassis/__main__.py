"""`python -m gatehouse_chassis NAME` runs the service NAME; without NAME, the one that GATEHOUSE_SERVICE names.

`ask URL...`, `recover NAME`, `rehearse NAME` and `describe NAME...` instead start none: see ask.py, recover.py,
rehearsal/rehearse.py and describe.py.
"""

import os
import sys

from gatehouse_chassis import ask, recover
from gatehouse_chassis.serve import main

if __name__ == "__main__":
    if sys.argv[1:2] == ["ask"]:
        sys.exit(ask.main(sys.argv[2:]))
    if sys.argv[1:2] == ["recover"]:
        sys.exit(recover.main(sys.argv[2:]))
    if sys.argv[1:2] == ["rehearse"]:
        from gatehouse_chassis.rehearsal import rehearse  # what it imports, no running service needs

        sys.exit(rehearse.main(sys.argv[2:]))
    if sys.argv[1:2] == ["describe"]:
        from gatehouse_chassis import describe  # what it imports, no running service needs

        sys.exit(describe.main(sys.argv[2:]))
    names = sys.argv[1:] or list(filter(None, [os.environ.get("GATEHOUSE_SERVICE")]))
    if len(names) != 1:
        sys.exit("usage: python -m gatehouse_chassis NAME")
    main(names[0])
