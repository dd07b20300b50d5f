"""Tests that cut across: the whole exchange as processes, killed and looked at from outside."""
