"""History: what has happened, in a database, and what is computed from it."""
