"""Books of outside exchanges: built, joined to their snapshots, proven, and never shown wrong.

The rule of this room: pure. No clock, no socket; what has to be done is a wish (`effects`).
"""
