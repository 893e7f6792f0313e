"""The tables that every tool is asked about: people, one row each, and their visits, one to eight rows a person.

Nobody has more rows, groups or rows in a group than the bounds allow, so bounding contributions changes no answer, and an error is
noise alone.
"""

from pathlib import Path

import duckdb

REGIONS = [f"r{number:02}" for number in range(16)]
SEXES = ["f", "m"]
CODES = ["a", "b", "c", "d", "e", "f"]
SITES = 400

POLICY = """\
dataset: {name}
title: Shared questions
custodian: bench
tables:
  people:
    source: people.parquet
    unit_column: id
    rows_per_unit: 1
    columns:
      region: {{type: category, keys: [{regions}]}}
      sex: {{type: category, keys: [f, m]}}
      age: {{type: integer, bounds: [18, 98]}}
      x: {{type: number, bounds: [0, 1000]}}
  visits:
    source: visits.parquet
    unit_column: id
    rows_per_unit: 8
    groups_per_unit: 6
    rows_per_group: 2
    columns:
      code: {{type: category, keys: [{codes}]}}
      site: {{type: category}}
      value: {{type: number, bounds: [0, 500]}}
privacy: {privacy}
timing: off
consent: {{permission: DUO:0000042}}
"""
PRIVACY = {
    "shared-zcdp": "{definition: zcdp, epsilon: 1000000, delta: 1e-6}",
    "shared-pure": "{definition: pure, epsilon: 1000000}",
}


def policies() -> dict[str, str]:
    """The same data under both definitions of privacy, by dataset name."""
    return {
        name: POLICY.format(name=name, privacy=privacy, regions=", ".join(REGIONS), codes=", ".join(CODES))
        for name, privacy in PRIVACY.items()
    }


def write_tables(folder: Path, rows: int) -> None:
    """`people.parquet` and `visits.parquet` in `folder`, each with about `rows` rows; the same bytes of data on every machine.

    A person's visits number 1 to 8, at most 2 of a code, at 2 sites at most; a site's share of the visits falls with its number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    duckdb.sql(
        f"COPY (SELECT i AS id, 'r' || lpad((hash(i) % 16)::VARCHAR, 2, '0') AS region, "
        f"CASE WHEN hash(i * 3) % 2 = 0 THEN 'f' ELSE 'm' END AS sex, (18 + hash(i * 5) % 81)::INTEGER AS age, "
        f"(hash(i * 7) % 1000000) / 1000.0 AS x FROM range({rows}) t(i)) TO '{folder / 'people.parquet'}' (FORMAT parquet)"
    )
    duckdb.sql(
        f"COPY (WITH drawn AS (SELECT p AS id, j, (hash(p * 11 + j % 2) % 1000000) / 1e6 AS u "
        f"FROM range({rows * 2 // 9}) t(p), range(8) s(j) WHERE j <= hash(p * 13) % 8) "
        f"SELECT id, chr((97 + (hash(id * 17) + j) % 6)::INTEGER) AS code, "
        f"'s' || lpad(floor({SITES} * pow(u, 3))::INTEGER::VARCHAR, 3, '0') AS site, "
        f"round(500 * pow((hash(id * 19 + j) % 1000000) / 1e6, 2), 3) AS value FROM drawn) "
        f"TO '{folder / 'visits.parquet'}' (FORMAT parquet)"
    )
