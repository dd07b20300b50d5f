"""What a room says that it has, it has."""

import importlib
import pkgutil

import aggregator


def test_every_name_that_a_module_offers_is_there() -> None:
    modules = ["aggregator"] + [
        found.name
        for found in pkgutil.walk_packages(aggregator.__path__, "aggregator.")
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
