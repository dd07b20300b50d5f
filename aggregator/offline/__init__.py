"""Venues without the internet: a server that speaks each venue's own protocol.

The rule of this room: markets and speakers are pure functions of chance from a seed and of times
that are given; only the server has a clock and a socket.
"""
