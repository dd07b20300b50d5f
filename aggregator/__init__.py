"""The books and trades of outside exchanges, each one proven right."""
