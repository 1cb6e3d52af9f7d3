"""`python run.py ...`: the command line of tme_abm from a checkout. The same as `tme-abm` once
installed."""

from __future__ import annotations

import sys

from tme_abm.cli import main

if __name__ == "__main__":
    sys.exit(main())
