"""The `rialto` command, and `python -m rialto`.

The rule of this file: it imports nothing at its head that takes long, so that a Ctrl-C while the
rest is imported ends without a traceback.
"""

import sys

INTERRUPTED = 130  # The shell's code for an end by Ctrl-C.


def main() -> None:
    """Run the command line."""
    try:
        from rialto.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
