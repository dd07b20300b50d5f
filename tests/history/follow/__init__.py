"""Tests of following a venue."""
