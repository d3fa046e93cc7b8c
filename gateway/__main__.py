"""`python -m gateway`: the same as the command `highlights-gateway`."""

from __future__ import annotations

import sys

from gateway.cli import main

if __name__ == "__main__":  # a worker of `serve` loads this module, too
    sys.exit(main())
