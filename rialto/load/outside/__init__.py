"""The load of `rialto bench aggregator`: venues on this machine, and clients with a clock.

The rule of this room: nothing here is used by the exchange itself.
"""
