"""A load generator for the gateway, and what it measures.

The rule of this room: the generator is a process of its own that knows the wire and nothing of the
gateway's insides; it counts every answer.
"""
