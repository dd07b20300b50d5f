"""What the history is asked over REST: parameters in, structs of `shared.rest.history` out."""
