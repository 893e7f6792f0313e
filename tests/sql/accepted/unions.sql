-- targets 1; groups 1; ranks rk_<=6 rk_<=4; bounds 10/1/10
SELECT COUNT(*) AS n FROM (SELECT id, day FROM labs UNION ALL SELECT id, day FROM visits) AS t;

-- targets 1; groups 1; ranks rk_<=6 rk_<=4; bounds 1/1/1
SELECT COUNT(DISTINCT id) AS n FROM (SELECT id, day FROM labs UNION ALL SELECT id, day FROM visits) AS t;

-- targets 1; groups 3; ranks rk_<=6 rk_<=4; bounds 10/3/10
SELECT year(day) AS y, COUNT(*) AS n FROM (SELECT id, day FROM labs UNION ALL SELECT id, day FROM visits) AS t GROUP BY y ORDER BY y;

-- targets 1; groups 2; ranks rk_<=6 rk_<=4; bounds 10/2/10
SELECT kind, COUNT(*) AS n FROM (SELECT id, 'lab' AS kind FROM labs UNION ALL SELECT id, 'visit' AS kind FROM visits) AS t GROUP BY kind;

-- targets 2; groups 1; ranks rk_<=6 rk_<=4; bounds 10/1/10
SELECT SUM(x) AS s, AVG(x) AS m FROM (SELECT id, value AS x FROM labs UNION ALL SELECT id, cost AS x FROM visits) AS t;

-- targets 2; groups 1; ranks rpc_test<=2 rpc_kind<=3; bounds 1/1/1 5/1/5
WITH events AS (SELECT id, day FROM labs WHERE test = 'chol' UNION ALL SELECT id, day FROM visits WHERE kind = 'er') SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS people FROM events;

-- targets 1; groups 2; ranks rk_<=1 rk_<=6 rk_<=4; bounds 10/1/10
SELECT p.male, COUNT(*) AS n FROM persons p JOIN (SELECT id FROM labs UNION ALL SELECT id FROM visits) AS e ON p.id = e.id GROUP BY p.male;

-- targets 1; groups 1; ranks rk_<=1 rk_<=1; bounds 2/1/2
SELECT COUNT(*) AS n FROM (SELECT id, age FROM persons WHERE male UNION ALL SELECT id, age FROM persons WHERE NOT male) AS t;

-- targets 2; groups 1; ranks rk_<=6 rk_<=4; bounds 1/1/1
SELECT AVG(n) AS events FROM (SELECT id, COUNT(*) AS n FROM (SELECT id FROM labs UNION ALL SELECT id FROM visits) AS e GROUP BY id) AS t;

-- targets 1; groups 1; ranks rk_<=6 rk_<=4 rk_<=1; bounds 11/1/11
SELECT COUNT(*) AS n FROM (SELECT id FROM labs UNION ALL SELECT id FROM visits UNION ALL SELECT id FROM persons) AS t;

-- targets 2; groups 4; ranks rk_<=6 rk_<=4; bounds 10/4/10
SELECT source, AVG(x) AS m FROM (SELECT id, 'lab' AS source, value AS x FROM labs UNION ALL SELECT id, kind AS source, cost AS x FROM visits) AS t GROUP BY source;

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS n FROM (SELECT id FROM persons EXCEPT SELECT id FROM labs) AS t;

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS n FROM (SELECT id FROM persons INTERSECT SELECT id FROM labs) AS t;
