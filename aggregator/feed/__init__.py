"""The only I/O with venues: sockets, questions by HTTP, and the one reconnect loop.

The rule of this room: it knows no venue and reads no message. A frame goes to the desk as it came,
and what the desk wishes for is done here. Nothing in it waits for the other venues.
"""
