"""What every peer's runner speaks: one JSON object a line on standard input, one a line on standard output.

`{"load": {"people": path, "visits": path}}` prepares the tables in the peer's own best form, which is not timed. `{"query": …, "noise": …,
"runs": n}` asks one question n times, and is answered with the rows of each run, the seconds each took from the question to the noised
rows, and what the peer itself says it cost. What a peer cannot do is answered with `unsupported` and the reason.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Told = dict[str, Any]
Rows = list[list[Any]]


class Unsupported(Exception):
    """The peer has no way to ask this."""


@dataclass
class Prepared:
    """A question ready to be asked: `ask` gives noised rows, keys first; the cost is the peer's own statement."""

    ask: Callable[[], Rows]
    epsilon: float
    delta: float
    note: str = ""


def serve(load: Callable[[dict[str, str]], None], prepare: Callable[[Told, str], Prepared]) -> None:
    """Answers lines until there are no more. `prepare` is timed only where the peer plans anew for every question, inside `ask`."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a peer that prints does not garble answers
    prepared: dict[tuple[str, str], Prepared] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "load" in asked:
            load(asked["load"])
            prepared.clear()
            answer: dict[str, Any] = {"loaded": True}
        else:
            answer = _answer(asked, prepare, prepared)
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()


def _answer(asked: dict[str, Any], prepare: Callable[[Told, str], Prepared], known: dict[tuple[str, str], Prepared]) -> dict[str, Any]:
    try:
        name = asked["query"]["name"], asked["noise"]
        if name not in known:
            known.clear()  # one question's rows at a time
            known[name] = prepare(asked["query"], asked["noise"])
        prepared, answers, seconds = known[name], [], []
        for _ in range(asked["runs"]):
            began = time.perf_counter()
            answers.append(prepared.ask())
            seconds.append(time.perf_counter() - began)
    except Unsupported as error:
        return {"unsupported": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever a peer raises on made-up data is this question's result, and the bench goes on
        return {"failed": f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"}
    return {"answers": answers, "seconds": seconds, "epsilon": prepared.epsilon, "delta": prepared.delta, "note": prepared.note}
