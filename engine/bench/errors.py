"""The one exception of a benchmark that is meant for the person at the keyboard."""


class BenchError(Exception):
    """One sentence: it cannot be measured, or what came out is wrong."""
