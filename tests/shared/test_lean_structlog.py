"""Services hold in memory what they use, and a library that was imported lean works as ever."""

import subprocess
import sys

import pytest

PRINT_PACKAGES = "print(*{name.split('.')[0] for name in sys.modules})"


def packages_after(*lines: str) -> set[str]:
    program = "; ".join(("import sys", *lines, PRINT_PACKAGES))
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(said.stdout.split())


@pytest.mark.parametrize("service", ["aggregator", "broadcaster", "engine"])
def test_a_service_imports_nothing_that_is_for_a_terminal(service: str) -> None:
    packages = packages_after(f"import {service}.__main__")
    assert "structlog" in packages
    assert not {"rich", "click", "typer", "pygments"} & packages


@pytest.mark.parametrize("service", ["aggregator", "broadcaster", "engine"])
def test_a_service_imports_no_greenlets(service: str) -> None:
    assert "greenlet" not in packages_after(f"import {service}.__main__")


@pytest.mark.parametrize("service", ["aggregator", "broadcaster", "engine"])
def test_a_service_needs_no_cryptography_before_somebody_logs_in(service: str) -> None:
    assert "jwt" not in packages_after(f"import {service}.__main__")


def test_who_wants_the_package_later_finds_it() -> None:
    assert "rich" in packages_after("import shared.logs", "import rich")


def test_who_uses_the_package_already_keeps_it() -> None:
    uses = ("import rich as mine", "import shared.logs", "import rich", "assert rich is mine")
    assert "rich" in packages_after(*uses)
