"""`rialto doctor`: what of each venue works from this machine, and what to do where it does not.

The rule of this room: it looks and says; it changes nothing, and needs nothing that runs.
"""
