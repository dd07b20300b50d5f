"""What a benchmark says instead of a figure.

The rule of this file: one sentence for the person who asked.
"""


class BenchError(Exception):
    """It cannot be measured; the text is the sentence."""
