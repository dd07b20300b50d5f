"""Pure: events in, rows, candles and tickers out. No clock, no database, no socket."""
