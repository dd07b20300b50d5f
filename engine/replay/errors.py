"""The one exception of a replay that is meant for the person at the keyboard."""


class ReplayError(Exception):
    """One sentence: the day cannot be read, or the exchange stopped answering."""
