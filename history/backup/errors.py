"""What goes wrong with a backup. The rule of this file: every text is one sentence for a person."""


class BackupError(Exception):
    """It was not made, or must not be used."""
