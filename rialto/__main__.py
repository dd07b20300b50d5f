"""`python -m rialto` is the `rialto` command."""

from rialto.cli import main

if __name__ == "__main__":
    main()
