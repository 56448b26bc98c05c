"""``python -m firmfate``: the command line."""

import sys

from firmfate.cli import main

if __name__ == "__main__":
    sys.exit(main())
