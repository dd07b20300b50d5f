"""The one exception that is meant for the person at the keyboard."""


class RialtoError(Exception):
    """One clear sentence: the command line prints it without a traceback and exits with 1."""
