"""The forms that Ibis, dbplyr and SQLAlchemy write, in small worlds whose people break every bound: nobody moves more than a plan says."""

import pytest

from tests.support.query_world import planned
from tests.support.removals import Neighbours, random_world

ASKED = (
    "SELECT stage, COUNT(*) AS n FROM persons SEMI JOIN (SELECT * FROM labs WHERE value > 100) t USING (id) GROUP BY stage",
    "SELECT COUNT(*) AS n, SUM(grade) AS s FROM labs ANTI JOIN visits ON labs.id = visits.id AND visits.nights > 3",
    "SELECT kind, COUNT(*) AS n FROM visits v SEMI JOIN icd ON v.code = icd.code AND icd.weight > 3 GROUP BY kind",
    "SELECT COUNT(*) AS n FROM visits v WHERE NOT EXISTS (SELECT 1 FROM icd WHERE icd.code = v.code)",
    "SELECT COUNT(*) AS n FROM persons p ANTI JOIN (SELECT l.id FROM persons q LEFT JOIN labs l ON q.id = l.id) t ON t.id = p.id",
    "SELECT COUNT(*) AS n FROM persons p WHERE p.id NOT IN (SELECT l.id FROM visits v LEFT JOIN labs l USING (id) WHERE l.id IS NOT NULL)",
    "SELECT SUM(l.value) AS s FROM (persons p JOIN labs l ON p.id = l.id) JOIN visits v ON v.id = p.id",
    "SELECT p.stage, COUNT(*) AS n FROM persons p LEFT JOIN (labs l JOIN visits v ON l.id = v.id) ON p.id = l.id GROUP BY p.stage",
    "SELECT COUNT(*) AS n FROM (SELECT id, day FROM labs UNION SELECT id, day FROM visits) t",
    "SELECT test, COUNT(*) AS n FROM (SELECT DISTINCT id, test, value FROM labs) t GROUP BY test",
    "SELECT COUNT(*) AS n FROM (SELECT id FROM labs INTERSECT SELECT id FROM visits) t",
    "SELECT COUNT(*) AS n FROM (SELECT id FROM persons EXCEPT SELECT id FROM visits) t",
    "SELECT test, COUNT(DISTINCT CASE WHEN value > 100 THEN id END) AS n FROM labs GROUP BY test",
    "SELECT COUNT(*) AS n FROM (SELECT id, BOOL_OR(value > 100) AS f FROM labs GROUP BY id) t WHERE f",
    "SELECT AVG(s) AS m FROM (SELECT id, STDDEV(value) AS s FROM labs GROUP BY id) t",
    "SELECT SUM(f) AS s FROM (SELECT id, last(value ORDER BY day) FILTER (WHERE grade IS NOT NULL) AS f FROM labs GROUP BY id) t",
    "WITH t(i, n) AS (SELECT id, COUNT(*) FROM labs GROUP BY id ORDER BY 2) SELECT n, COUNT(*) AS people FROM t GROUP BY n",
)


@pytest.mark.parametrize("first", range(0, 30, 10))
def test_nobody_moves_a_target_further_than_the_plan_says(first: int) -> None:
    plans = {sql: planned(sql) for sql in ASKED}
    neighbours = Neighbours()
    for seed in range(first, first + 10):
        neighbours.load(random_world(seed))
        neighbours.largest_moves(plans)
