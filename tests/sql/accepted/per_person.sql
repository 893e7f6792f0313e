-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT AVG(n) AS mean_labs FROM (SELECT id, COUNT(*) AS n FROM labs GROUP BY id) AS t;

-- targets 1; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS people FROM (SELECT id, COUNT(*) AS n FROM labs GROUP BY id) AS t WHERE n >= 2;

-- targets 1; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS people FROM (SELECT id FROM labs GROUP BY id HAVING COUNT(*) >= 3) AS t;

-- targets 1; groups 7; ranks rk_<=6; bounds 1/1/1
SELECT n, COUNT(*) AS people FROM (SELECT id, COUNT(*) AS n FROM labs GROUP BY id) AS t GROUP BY n ORDER BY n;

-- targets 2; groups 1; ranks rpc_test<=2; bounds 1/1/1
SELECT AVG(top) AS mean_top FROM (SELECT id, MAX(value) AS top FROM labs WHERE test = 'chol' GROUP BY id) AS t;

-- targets 4; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT AVG(low) AS mean_low, AVG(top) AS mean_top FROM (SELECT id, MIN(value) AS low, MAX(value) AS top FROM labs GROUP BY id) AS t;

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT AVG(top - low) AS mean_range FROM (SELECT id, MIN(value) AS low, MAX(value) AS top FROM labs GROUP BY id) AS t;

-- targets 2; groups 1; ranks rk_<=4; bounds 1/1/1
SELECT AVG(s) AS mean_total, SUM(s) AS total FROM (SELECT id, SUM(cost) AS s FROM visits GROUP BY id) AS t;

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT AVG(m) AS mean_of_means FROM (SELECT id, AVG(value) AS m FROM labs GROUP BY id) AS t;

-- targets 1; groups 1; ranks rk_<=4; bounds 1/1/1
SELECT SUM(nights) AS n FROM (SELECT id, SUM(nights) AS nights FROM visits GROUP BY id) AS t WHERE nights > 3;

-- targets 2; groups 2; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT p.male, AVG(t.n) AS n FROM persons p JOIN (SELECT id, COUNT(*) AS n FROM labs GROUP BY id) AS t ON p.id = t.id GROUP BY p.male;

-- targets 2; groups 1; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT AVG(COALESCE(t.n, 0)) AS n FROM persons p LEFT JOIN (SELECT id, COUNT(*) AS n FROM labs GROUP BY id) AS t ON p.id = t.id;

-- targets 1; groups 7; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT COALESCE(t.n, 0) AS labs, COUNT(*) AS people FROM persons p LEFT JOIN (SELECT id, COUNT(*) AS n FROM labs GROUP BY id) AS t ON p.id = t.id GROUP BY labs ORDER BY labs;

-- targets 2; groups 4; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT p.stage, AVG(t.top) AS v, COUNT(t.top) AS n FROM persons p LEFT JOIN (SELECT id, MAX(value) AS top FROM labs GROUP BY id) AS t ON p.id = t.id GROUP BY p.stage;

-- targets 1; groups 1; ranks rk_<=4; bounds 1/1/1
SELECT COUNT(*) AS n FROM (SELECT id, MIN(day) AS first FROM visits GROUP BY id) AS t WHERE first < DATE '2011-01-01';

-- targets 1; groups 3; ranks rpc_kind<=3; bounds 1/1/1
SELECT year(first) AS y, COUNT(*) AS incident FROM (SELECT id, MIN(day) AS first FROM visits WHERE kind = 'er' GROUP BY id) AS t GROUP BY y ORDER BY y;

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT AVG(datediff('day', first, last)) AS span FROM (SELECT id, MIN(day) AS first, MAX(day) AS last FROM labs GROUP BY id) AS t;

-- targets 1; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT COUNT(*) FILTER (WHERE has_chol > 0 AND has_hdl > 0) AS both_tests FROM (SELECT id, COUNT(*) FILTER (WHERE test = 'chol') AS has_chol, COUNT(*) FILTER (WHERE test = 'hdl') AS has_hdl FROM labs GROUP BY id) AS t;

-- targets 2; groups 1; ranks rk_<=6 rk_<=4; bounds 1/1/1
SELECT AVG(a.n + b.n) AS events FROM (SELECT id, COUNT(*) AS n FROM labs GROUP BY id) AS a JOIN (SELECT id, COUNT(*) AS n FROM visits GROUP BY id) AS b ON a.id = b.id;

-- targets 2; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 2/2/2
SELECT test, AVG(n) AS per_person FROM (SELECT id, test, COUNT(*) AS n FROM labs GROUP BY id, test) AS t GROUP BY test;

-- targets 3; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 2/2/2
SELECT test, AVG(top) AS v, COUNT(*) AS people FROM (SELECT id, test, MAX(value) AS top FROM labs GROUP BY id, test) AS t GROUP BY test;

-- targets 1; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS people FROM (SELECT id, SUM(CASE WHEN value > 200 THEN 1 ELSE 0 END) AS highs FROM labs GROUP BY id) AS t WHERE highs = 0;

-- targets 1; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT MAX(n) AS n FROM (SELECT id, COUNT(*) AS n FROM labs GROUP BY id) AS t;

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT AVG(s) AS m FROM (SELECT id, SUM(value) AS s, COUNT(*) AS n FROM labs GROUP BY id) AS t WHERE n > 1;

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT AVG(g) AS m FROM (SELECT id, SUM(grade) AS g FROM labs GROUP BY id) AS t;

-- targets 1; groups 9; ranks rk_<=6; bounds 1/1/1
SELECT g, COUNT(*) AS n FROM (SELECT id, MAX(grade) AS g FROM labs GROUP BY id) AS t GROUP BY g ORDER BY g;

-- targets 1; groups 1; ranks rk_<=6 rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM (SELECT l.id, MAX(l.value) AS top, MAX(p.age) AS age FROM labs l JOIN persons p ON l.id = p.id GROUP BY l.id) AS t WHERE top > age;

-- targets 2; groups 1; ranks rk_<=4; bounds 1/1/1
SELECT AVG(n) AS kinds FROM (SELECT id, COUNT(DISTINCT kind) AS n FROM visits GROUP BY id) AS t;

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT AVG(v) AS within_person FROM (SELECT id, STDDEV_POP(value) AS v FROM labs GROUP BY id) AS t;

-- targets 2; groups 2; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT male, AVG(n) AS v FROM (SELECT p.id, p.male, COUNT(l.value) AS n FROM persons p LEFT JOIN labs l ON p.id = l.id GROUP BY p.id, p.male) AS t GROUP BY male;

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT AVG(v) AS within_person FROM (SELECT id, VAR_SAMP(value) AS v FROM labs GROUP BY id) AS t;
