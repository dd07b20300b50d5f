"""Backup and restore: everything that lasts, as it was at one instant."""
