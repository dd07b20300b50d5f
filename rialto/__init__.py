"""What a person starts: the `rialto` command, the supervisor and the embedded Redis."""
