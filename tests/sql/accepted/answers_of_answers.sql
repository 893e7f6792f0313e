-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT SUM(n) AS s, AVG(n) AS a, MAX(n) AS m, MIN(n) AS l, COUNT(*) AS k FROM (SELECT male, COUNT(*) AS n FROM persons GROUP BY male) AS t WHERE n > 10;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT SUM(n), AVG(n), MAX(n), COUNT(*) FROM (SELECT male, COUNT(*) AS n FROM persons GROUP BY male) AS t;

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT stage, SUM(n) AS s, COUNT(*) AS groups FROM (SELECT stage, male, COUNT(*) AS n FROM persons GROUP BY stage, male) AS t GROUP BY stage ORDER BY s DESC;

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT stage, SUM(n) AS s FROM (SELECT stage, male, COUNT(*) AS n FROM persons GROUP BY stage, male) AS t GROUP BY ALL HAVING SUM(n) > 10 ORDER BY ALL;

-- targets 2; groups 8; ranks rk_<=1; bounds 1/1/1
WITH c AS (SELECT stage, male, COUNT(*) AS n, AVG(age) AS a FROM persons GROUP BY stage, male) SELECT male, MAX(n) AS largest, AVG(a) AS mean_of_means, MEDIAN(n) AS md, STDDEV_SAMP(n) AS sd, VAR_POP(n) AS vp FROM c GROUP BY male ORDER BY male;

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT n > 6 AS large, COUNT(*) AS groups, SUM(n) FILTER (WHERE male) AS men FROM (SELECT stage, male, COUNT(*) AS n FROM persons GROUP BY stage, male) AS t GROUP BY large ORDER BY 1;

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(DISTINCT stage) AS d, COUNT(stage) AS c, COUNT_IF(n > 5) AS i FROM (SELECT stage, male, COUNT(*) AS n FROM persons GROUP BY stage, male) AS t;

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT DISTINCT male FROM (SELECT stage, male, COUNT(*) AS n FROM persons GROUP BY stage, male) AS t WHERE n > 1 ORDER BY male;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT AVG(n) AS a FROM (SELECT male, COUNT(*) AS n FROM persons GROUP BY male ORDER BY n DESC LIMIT 1) AS t;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT * FROM (SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage ORDER BY n DESC LIMIT 3) AS t WHERE n > 8 ORDER BY stage;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT male, COUNT(*) AS n, SUM(COUNT(*)) OVER () AS total FROM persons GROUP BY male ORDER BY male;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, 100.0 * COUNT(*) / SUM(COUNT(*)) OVER () AS percent FROM persons GROUP BY stage ORDER BY percent DESC;

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT male, stage, COUNT(*) * 1.0 / SUM(COUNT(*)) OVER (PARTITION BY male) AS share FROM persons GROUP BY male, stage ORDER BY male, stage;

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT male, stage, COUNT(*) AS n, RANK() OVER (PARTITION BY male ORDER BY COUNT(*) DESC) AS r FROM persons GROUP BY male, stage ORDER BY ALL;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, RANK() OVER (ORDER BY COUNT(*)) AS r, DENSE_RANK() OVER (ORDER BY COUNT(*) DESC) AS d FROM persons GROUP BY stage ORDER BY stage;

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT * FROM (SELECT stage, male, COUNT(*) AS n, ROW_NUMBER() OVER (PARTITION BY male ORDER BY COUNT(*) DESC, stage) AS r FROM persons GROUP BY stage, male) AS t WHERE r = 1 ORDER BY male;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, n, n - AVG(n) OVER () AS above, MAX(n) OVER () AS m, COUNT(*) OVER () AS groups FROM (SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage) AS t ORDER BY stage;

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT stage, SUM(n) AS s, SUM(SUM(n)) OVER () AS total, SUM(n) / SUM(SUM(n)) OVER () AS part FROM (SELECT stage, male, COUNT(*) AS n FROM persons GROUP BY stage, male) AS t GROUP BY stage ORDER BY stage;

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT AVG(s) AS a FROM (SELECT stage, SUM(n) AS s FROM (SELECT stage, male, COUNT(*) AS n FROM persons GROUP BY stage, male) AS t GROUP BY stage) AS u;

-- targets 1; groups private; ranks rk_<=1; bounds 1/1/1
SELECT town, COUNT(*) AS n, COUNT(*) * 1.0 / SUM(COUNT(*)) OVER () AS share FROM persons GROUP BY town ORDER BY town;

-- targets 1; groups private; ranks rk_<=1; bounds 1/1/1
SELECT SUM(n) AS s, COUNT(*) AS towns FROM (SELECT town, COUNT(*) AS n FROM persons GROUP BY town) AS t;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, SUM(COUNT(*)) FILTER (WHERE stage IS NOT NULL) OVER () AS known FROM persons GROUP BY stage HAVING COUNT(*) > 3 ORDER BY stage LIMIT 3;

-- targets 2; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT male, SUM(SUM(age)) OVER () AS years, AVG(age) AS a FROM persons GROUP BY male ORDER BY SUM(age) / SUM(SUM(age)) OVER ();

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT MAX(stage) AS last, MIN(stage) AS first FROM (SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage) AS t WHERE n > 2;

-- targets 1; groups 3; ranks rk_<=6; bounds 6/3/6
SELECT MAX(k) AS k FROM (SELECT date_trunc('year', day) AS k, COUNT(*) AS n FROM labs GROUP BY k) AS t WHERE n > 3;

-- targets 1; groups 3; ranks rk_<=6; bounds 6/3/6
SELECT year(day) AS y, COUNT(*) AS n FROM labs GROUP BY y ORDER BY RANK() OVER (ORDER BY COUNT(*) DESC) LIMIT 2;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT sum(n) FROM (SELECT male, COUNT(*) AS n FROM persons GROUP BY male) AS t WHERE n > 1000000;

-- targets 2; groups 9; ranks gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/4/3
SELECT kind, SUM(c) / SUM(n) AS mean FROM (SELECT kind, year(day) AS y, SUM(cost) AS c, COUNT(cost) AS n FROM visits GROUP BY kind, y) AS t GROUP BY kind ORDER BY kind;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT male, COUNT(*) AS n FROM persons GROUP BY ROLLUP (male) ORDER BY RANK() OVER (ORDER BY COUNT(*));

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT AVG(n) FROM (SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage) AS t;

-- targets 0; groups private; ranks rk_<=1; bounds none
SELECT COUNT(*) FROM (SELECT DISTINCT town FROM persons) AS t;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT SUM(COUNT(*)) OVER () FROM persons GROUP BY stage;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, COUNT(*) / SUM(COUNT(*)) OVER () AS share FROM persons GROUP BY stage;

-- targets 2; groups private; ranks rk_<=1; bounds 1/1/1
SELECT AVG(m) FROM (SELECT town, AVG(age) AS m FROM persons GROUP BY town) AS t;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT MAX(n) FROM (SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage) AS t;

-- targets 1; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 4/2/2
SELECT AVG(n) FROM (SELECT test, COUNT(*) AS n FROM labs GROUP BY test) AS t;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT (SELECT COUNT(*) FROM persons WHERE male) * 1.0 / (SELECT COUNT(*) FROM persons) AS r;

-- targets 5; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT (SELECT AVG(age) FROM persons WHERE male) - (SELECT AVG(age) FROM persons WHERE NOT male) AS difference, (SELECT COUNT(*) FROM persons) AS n;

-- targets 2; groups 1; ranks rk_<=4; bounds 1/1/1 4/1/4
SELECT (SELECT SUM(nights) FROM visits v WHERE kind = 'er') / (SELECT COUNT(DISTINCT id) FROM visits v WHERE kind = 'er' OR nights > 3) AS r;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT (SELECT COUNT(*) FILTER (WHERE male) FROM persons WHERE age > 50) AS men, (SELECT MEDIAN(age) FROM persons WHERE male) AS m;

-- targets 2; groups 1; ranks rk_<=1 rk_<=4; bounds 4/1/4
SELECT (SELECT COUNT(*) FROM persons p JOIN visits v ON p.id = v.id WHERE p.male) * 100.0 / (SELECT COUNT(*) FROM persons p JOIN visits v ON p.id = v.id) AS percent;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
WITH old AS (SELECT * FROM persons WHERE age > 50) SELECT (SELECT COUNT(*) FROM old WHERE male) * 1.0 / (SELECT COUNT(*) FROM old) AS r;

-- targets 2; groups 1; ranks rk_<=6; bounds 6/1/6
SELECT round(100 * (SELECT COUNT(*) FROM labs WHERE value > 200) / (SELECT COUNT(*) FROM labs), 1) AS percent;

-- targets 1; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 4/2/2
SELECT test, COUNT(*) * 1.0 / SUM(COUNT(*)) OVER () AS share FROM labs GROUP BY test;
