"""Candles and tickers as they change, published on channels that broadcasters show."""
