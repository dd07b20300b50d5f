"""One file a venue: how it hears a subscription and how its frames look.

The rule of this room: pure, and nothing else is in it but venues. What a file offers is
`SPEAKERS`; whoever adds a venue adds a file.
"""
