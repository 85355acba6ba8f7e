"""`python -m gatehouse_chassis NAME` runs the service NAME; without NAME, the one that GATEHOUSE_SERVICE names."""

import os
import sys

from gatehouse_chassis.serve import main

if __name__ == "__main__":
    names = sys.argv[1:] or list(filter(None, [os.environ.get("GATEHOUSE_SERVICE")]))
    if len(names) != 1:
        sys.exit("usage: python -m gatehouse_chassis NAME")
    main(names[0])
