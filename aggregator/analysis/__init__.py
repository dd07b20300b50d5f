"""What trades and books say beyond themselves: pressure, flow, volatility, averages.

The rule of this room: pure and exact. Each analysis is a small class with its formula, takes the
time as it is given, keeps a bounded amount, and has no value until it has seen enough.
"""
