"""How far the history is behind an exchange that is at work."""
