"""One file a venue: how it is spoken to, and what its messages mean.

The rule of this room: pure functions of their arguments; nothing else is in it but venues.
"""
