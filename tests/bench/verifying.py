"""How long an audit of large books takes, and their proofs: `python -m tests.bench.verifying [ENTRIES]`."""

import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from haven.ledger import proofs
from haven.ledger.audit import Evidence, audit_verify
from haven.ledger.ledger import Ledger
from haven.ledger.notary import Notary
from tests.support import large_books
from tests.support.books import NOW, caps, later, rho
from tests.support.large_books import Use
from tests.support.witnessed import ORIGIN, file_in, key_in, view, witnessed

ENTRIES = 1_000_000
MOST_S = 60
TIMES = 15
_PEOPLE = {f"study-{number}": [f"researcher-{number}"] for number in range(10)}


def measure_books(folder: Path, entries: int = ENTRIES) -> dict[str, Any]:
    """Seconds to verify, milliseconds to open, sign and prove, in books of `entries` entries; and the audit's greatest memory."""
    with Ledger.open(folder / "books.sqlite") as ledger:
        began = time.perf_counter()
        large_books.fill(ledger, _use(entries), entries // 2)
        written = time.perf_counter() - began
    with witnessed(folder) as (ledger, notary):
        figures = _proofs(folder, ledger, notary, entries)
    began = time.perf_counter()
    with Ledger.open(folder / "books.sqlite"):
        opened = time.perf_counter() - began
    began, worked = time.perf_counter(), time.process_time()
    report = audit_verify(folder / "books.sqlite", Evidence(ORIGIN, key_in(folder).public, file_in(folder)))
    verified, worked = time.perf_counter() - began, time.process_time() - worked
    assert report.whole, report.problems
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = (folder / "books.sqlite").stat().st_size / 2**20
    whole = {"entries": report.entries, "written_s": written, "opened_ms": opened * 1000, "verified_s": verified, "verify_cpu_s": worked}
    return whole | figures | {"file_mib": size, "memory_mib": memory}


def _use(entries: int) -> Use:
    cap = rho(10 * entries, 0)
    return Use("nafld", "nafld", _PEOPLE, dict.fromkeys(_PEOPLE, caps(cap)), rho(1), NOW)


def _proofs(folder: Path, ledger: Ledger, notary: Notary, entries: int) -> dict[str, float]:
    public = key_in(folder).public

    def sign(number: int) -> None:
        view(ledger, 1)
        assert notary.checkpoint(later(seconds=number)) is not None

    def prove(number: int) -> None:
        assert proofs.check(notary.prove(1 + number * entries // TIMES), public)

    def grow(number: int) -> None:
        assert proofs.check(notary.prove_growth(1 + number * entries // TIMES, entries), public)

    return {"checkpoint_ms": _median_ms(sign), "inclusion_ms": _median_ms(prove), "consistency_ms": _median_ms(grow)}


def _median_ms(act: Callable[[int], None]) -> float:
    seconds = []
    for number in range(TIMES):
        began = time.perf_counter()
        act(number)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds) * 1000


def main() -> None:
    """Measure in a temporary folder and print what was found."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES
    with tempfile.TemporaryDirectory() as folder:
        found = measure_books(Path(folder), entries)
    print(json.dumps(found, indent=2))
    print(f"verify of {entries:,} entries: {found['verified_s']:.1f} s (at most {MOST_S})")


if __name__ == "__main__":
    main()
