"""Options of the simulation: `pytest tests/simulation --sim-seeds 20000 --sim-first-seed 1234`."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sim-seeds", type=int, default=2_000, help="seeds of the simulation")
    parser.addoption("--sim-first-seed", type=int, default=0, help="the first of them")
