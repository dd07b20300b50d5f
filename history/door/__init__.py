"""The port on which the gateway asks the history."""
