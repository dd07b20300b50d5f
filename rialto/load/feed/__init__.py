"""`rialto bench feed`: ten thousand clients of one broadcaster, and what reaches them when.

The rule of this room: the clients are a process of their own (the crowd), so the broadcaster's
memory and CPU are counted apart; every client checks that nothing is missing, and what is late is
late by the kernel's clock, not by ours.
"""
