"""What the history can take and how soon it answers, measured on databases of its own."""
