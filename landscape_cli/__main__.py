"""`landscape`, and `python -m landscape_cli`: Ctrl-C ends in a line also while the rest is being imported."""

import signal
import sys

from landscape_cli.terminal import leave, open_streams


def main() -> int:
    """Run the command line; return the exit status."""
    open_streams()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)
    from landscape_cli.cli import main as command_line  # takes a fifth of a second

    return command_line()


if __name__ == "__main__":
    sys.exit(main())
