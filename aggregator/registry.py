"""The connectors there are: whatever lies in `aggregator/connectors`.

The rule of this file: it knows no venue. A new one is a new file there and nothing else.
"""

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

from aggregator import connectors
from aggregator.protocol.connector import Connector, as_connector
from aggregator.protocol.manifest import Manifest


def load_connectors(
    folders: Sequence[Path] = (), wanted: Iterable[str] = ()
) -> dict[str, tuple[Connector, Manifest]]:
    """Return every connector by feed, `venue:market_type`; raises TypeError for a broken one.

    A connector that has `make_manifest(feed)` makes those of the feeds `wanted` that it is for.
    Files in further `folders` are taken as if they lay among the others: to try one out. Only this
    process can have their large frames read, not the one beside it.
    """
    found: dict[str, tuple[Connector, Manifest]] = {}
    for module in (*_own(), *_foreign(folders)):
        connector = as_connector(module)
        for manifest in connector.MANIFESTS:
            if manifest.feed in found:
                raise TypeError(f"Two connectors are {manifest.feed}.")
            found[manifest.feed] = connector, manifest
        make: Callable[[str], Manifest | None] = getattr(module, "make_manifest", _make_none)
        for feed in wanted:
            made = make(feed) if feed not in found else None
            if made is not None:
                found[feed] = connector, made
    return found


def _make_none(feed: str) -> None:
    return None


def _own() -> Iterator[ModuleType]:
    for entry in sorted(pkgutil.iter_modules(connectors.__path__), key=lambda entry: entry.name):
        yield importlib.import_module(f"{connectors.__name__}.{entry.name}")


def _foreign(folders: Sequence[Path]) -> Iterator[ModuleType]:
    for path in (path for folder in folders for path in sorted(folder.glob("*.py"))):
        name = f"{connectors.__name__}.{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None, "a file that ends in .py is one"
        assert spec.loader is not None, "a file that ends in .py is one"
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # As an import does: types are looked up there.
        spec.loader.exec_module(module)
        yield module
