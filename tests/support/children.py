"""Processes of the tests' own that import haven and `tests.support`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# a distribution may ship a package called "tests": the child is told which one is meant
_PREFACE = """
import sys, types
tests = types.ModuleType("tests")
tests.__path__ = [{tests!r}]
sys.modules["tests"] = tests
"""


def child(code: str) -> list[str]:
    """The command of a child that runs `code`. Start it in `ROOT`."""
    return [sys.executable, "-c", _PREFACE.format(tests=str(ROOT / "tests")) + code]
