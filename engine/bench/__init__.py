"""The benchmarks of the engine: what `rialto bench` runs.

The rule of this package: it measures what production runs, set as production sets it, and a figure
is worth nothing until the answers behind it are right.
"""
