"""The pipeline in one process, with a model of Redis and a seeded scheduler."""
