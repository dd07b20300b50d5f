"""The ground floor: what the services agree on. It imports nothing of ours but itself."""
