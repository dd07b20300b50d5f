"""Reports: what operators and auditors ask, made of the rows of the history."""
