"""What every test may lean on: one hypothesis profile, and small real havens (tests.support.house), built once and copied."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from haven.cli.house import House
    from haven.ledger.database import Place
    from tests.support.postgres import Cluster

settings.register_profile("haven", deadline=None)  # a first example loads libraries, and machines differ
settings.register_profile("ci", deadline=None, derandomize=True, database=None)  # the same run, red or green
settings.load_profile("ci" if os.environ.get("CI") else "haven")


TRACER = sys.gettrace()
"""Coverage's own, where this run is measured."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Set coverage's tracer again where the test before ended without it: what is no longer measured would read as not tested.

    Python drops a tracer that meets its recursion limit.
    """
    if TRACER is not None and sys.gettrace() is None:
        sys.settrace(TRACER)


@pytest.fixture(scope="session")
def normal_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed test haven, never to be changed."""
    from tests.support import house  # noqa: PLC0415 - most tests need no haven, and need not wait for its libraries

    return house.build(tmp_path_factory.mktemp("havens") / "normal", house.NORMAL)


@pytest.fixture(scope="session")
def bench_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed bench haven, never to be changed."""
    from tests.support import house  # noqa: PLC0415 - the same

    return house.build(tmp_path_factory.mktemp("havens") / "bench", house.BENCH)


@pytest.fixture
def normal_home(normal_template: Path, tmp_path: Path) -> Path:
    """A closed test haven of the test's own."""
    from tests.support import house  # noqa: PLC0415 - the same

    return house.copy_home(normal_template, tmp_path / "home")


@pytest.fixture
def bench_home(bench_template: Path, tmp_path: Path) -> Path:
    """A closed bench haven of the test's own."""
    from tests.support import house  # noqa: PLC0415 - the same

    return house.copy_home(bench_template, tmp_path / "home")


@pytest.fixture
def normal_house(normal_home: Path) -> "Iterator[House]":
    """An open test haven of the test's own."""
    from haven.cli.house import open_house  # noqa: PLC0415 - the same

    with open_house(normal_home) as opened:
        yield opened


@pytest.fixture
def bench_house(bench_home: Path) -> "Iterator[House]":
    """An open bench haven of the test's own: prices up to HUGE leave no noise."""
    from haven.cli.house import open_house  # noqa: PLC0415 - the same

    with open_house(bench_home) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_bench_house(bench_template: Path, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[House]":
    """One open bench haven for all tests of a module that only ask."""
    from haven.cli.house import open_house  # noqa: PLC0415 - the same
    from tests.support import house  # noqa: PLC0415 - the same

    with open_house(house.copy_home(bench_template, tmp_path_factory.mktemp("shared") / "home")) as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres_cluster() -> "Iterator[Cluster]":
    """A PostgreSQL server of this run's own."""
    from tests.support import postgres  # noqa: PLC0415 - the same

    reason = postgres.why_not()
    if reason is not None:
        pytest.skip(reason)
    with postgres.cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def books_place(request: pytest.FixtureRequest, tmp_path: Path) -> "Iterator[Place]":
    """Where a test's own books may be, on each store: one that takes this runs on both."""
    if request.param == "sqlite":
        yield tmp_path / "books.sqlite"
    else:
        cluster: Cluster = request.getfixturevalue("postgres_cluster")
        address = cluster.fresh()
        yield address
        cluster.drop(address)
