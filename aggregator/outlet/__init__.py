"""What the aggregator publishes: books, touches, prices, trades, states and figures.

The rule of this room: only what is live is shown as live. It is told what has changed and when to
speak; it opens channels, and never waits for anybody.
"""
