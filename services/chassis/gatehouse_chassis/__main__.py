"""`python -m gatehouse_chassis NAME` runs the service called NAME."""

import sys

from gatehouse_chassis.serve import main

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m gatehouse_chassis NAME")
    main(sys.argv[1])
