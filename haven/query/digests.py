"""What names a plan: everything that decides the distribution of its noisy table on a snapshot, and nothing else."""

import hashlib
import json
from collections.abc import Sequence

from haven.query.pricing import PlanContext, Priced
from haven.query.private_plan import GroupKey, Target


def plan_digest(dataset: str, context: PlanContext, sql: str, keys: Sequence[GroupKey], targets: Sequence[Target], priced: Priced) -> str:
    """sha256 (hex) over the population, the generated SQL, public keys, grids, and the noise with its price."""
    selection = priced.selection
    canonical = {
        "version": 1,
        "dataset": dataset,
        "population": context.population,
        "definition": str(context.definition),
        "sql": sql,
        "keys": [None if key.domain is None else list(key.domain) for key in keys],
        "grids": [target.grid.hex() for target in targets],
        "noises": [[str(n.mechanism), n.scale.hex(), n.sensitivity.l1, n.sensitivity.l2_squared, n.price.pico] for n in priced.noises],
        "selection": None if selection is None else [selection.noise.scale.hex(), selection.threshold, selection.price.pico],
        "delta": 0 if selection is None else selection.price.atto_delta,
    }
    return hashlib.sha256(json.dumps(canonical, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
