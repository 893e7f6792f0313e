-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM (SELECT * FROM persons WHERE age > 50) AS t WHERE t.male;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(b) FROM (SELECT bmi * 2 AS b FROM (SELECT bmi FROM persons) AS x) AS y;

-- targets 1; groups 9; ranks rk_<=1; bounds 1/1/1
SELECT d, COUNT(*) FROM (SELECT floor(age / 10) * 10 AS d FROM persons) AS t GROUP BY d;

-- targets 1; groups 1; ranks none; bounds 1/1/1
SELECT COUNT(DISTINCT pid) FROM (SELECT id AS pid, value FROM labs WHERE value > 100) AS t;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, n * 2 AS twice FROM (SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage) AS t WHERE n > 12 ORDER BY n;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT * FROM (SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage) AS t;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
(SELECT COUNT(*) FROM persons);

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT t.stage FROM (SELECT stage, COUNT(*) AS n FROM persons GROUP BY 1 ORDER BY n DESC LIMIT 2) AS t;

-- targets 2; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 4/2/2
SELECT s.test, AVG(s.v) FROM (SELECT test, value - 250 AS v FROM labs WHERE grade IS NOT NULL) AS s GROUP BY s.test;
