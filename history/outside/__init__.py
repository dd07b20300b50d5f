"""The optional record of outside exchanges: trades, touch and candles, as they were received."""
