"""What a module lists as its own, it has."""

import importlib
import pkgutil

import aggregator
import shared

PACKAGES = (aggregator, shared)


def test_every_name_that_a_module_offers_is_there() -> None:
    modules = [package.__name__ for package in PACKAGES] + [
        found.name
        for package in PACKAGES
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not found.name.endswith("__main__")
    ]
    missing = [
        f"{name}.{offered}"
        for name in modules
        for module in [importlib.import_module(name)]
        for offered in getattr(module, "__all__", ())
        if not hasattr(module, offered)
    ]
    assert missing == []
