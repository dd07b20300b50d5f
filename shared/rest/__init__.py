"""The REST contract: the bodies that clients send, and the answers that they are given.

The rule of this room: frozen msgspec structs and nothing else. The gateway reads and writes these
very types, its OpenAPI document is made from them, and the Python client decodes into them, so the
three cannot disagree.
"""
