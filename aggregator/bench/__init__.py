"""How fast books are read, changed and proven, on recordings of real venues.

The rule of this room: it measures the production path and prints nothing.
"""
