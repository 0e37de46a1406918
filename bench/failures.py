"""The one exception of the benchmark: something that its user has to put right, in a sentence."""


class BenchError(Exception):
    """The benchmark cannot go on, and its figures so far would mislead."""
