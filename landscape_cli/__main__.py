"""`python -m landscape_cli` is `landscape`."""

import sys

from landscape_cli.cli import main

sys.exit(main())
