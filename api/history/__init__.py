"""What was, at the public door: the history's own answers, asked for and passed on.

The rule of this room: who asks is proven here and what they ask is read here; what is answered is
the history's word, byte for byte. Whatever becomes of the history, nothing else waits for it.
"""
