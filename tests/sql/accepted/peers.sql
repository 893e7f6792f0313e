-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS c FROM persons;

-- targets 2; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS c, SUM(age) AS s FROM persons GROUP BY male;

-- targets 2; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT male, AVG(age) AS avg_age FROM persons WHERE age BETWEEN 20 AND 70 GROUP BY male ORDER BY male;

-- targets 2; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT stage, male, COUNT(*) AS n, AVG(income) AS income FROM persons GROUP BY stage, male;

-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(DISTINCT id) AS pids, AVG(CASE WHEN age > 50 THEN 1.0 ELSE 0.0 END) AS p FROM persons;

-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(income) AS s, VAR_POP(income) AS v FROM persons WHERE smoker = TRUE;

-- targets 1; groups 81; ranks rk_<=1; bounds 1/1/1
SELECT age, COUNT(*) AS n FROM persons GROUP BY age ORDER BY n DESC, age LIMIT 10;

-- targets 1; groups 9; ranks gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/4/3
SELECT kind, year, COUNT(*) AS n FROM (SELECT kind, year(day) AS year FROM visits) AS t GROUP BY kind, year;

-- targets 1; groups 36; ranks rpc_kind<=3; bounds 3/3/1
SELECT date_trunc('month', day) AS interval_start, COUNT(DISTINCT id) AS numerator FROM visits WHERE kind = 'gp' GROUP BY interval_start ORDER BY interval_start;

-- targets 1; groups private; ranks rk_<=1; bounds 1/1/1
SELECT town, SUM(clamp(income, 0, 100000)) AS s FROM persons GROUP BY town;

-- targets 2; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, SUM(clamp(bmi, 15, 50)) / COUNT(bmi) AS m FROM persons GROUP BY stage;

-- targets 1; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 4/2/2
SELECT test AS "test", "count" FROM (SELECT test, COUNT(*) AS "count" FROM labs GROUP BY test) AS t WHERE "count" > 3 ORDER BY "count" DESC, test;

-- targets 1; groups 4; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT t1.stage, COUNT(*) AS n FROM persons t1 JOIN labs t2 ON t1.id = t2.id WHERE t2.value > 100 GROUP BY t1.stage;

-- targets 1; groups 4; ranks rk_<=1 rk_<=4; bounds 4/1/4
SELECT p.stage, SUM(v.cost) AS spend FROM persons AS p INNER JOIN visits AS v ON v.id = p.id GROUP BY p.stage HAVING SUM(v.cost) > 100;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
WITH tab AS (SELECT id, cost * nights AS x FROM visits WHERE nights > 1) SELECT SUM(x) AS sum_x FROM tab;

-- targets 1; groups 1; ranks rpc_kind<=3; bounds 1/1/1
SELECT COUNT(*) AS n FROM (SELECT id FROM visits WHERE kind = 'er' GROUP BY id) AS t;

-- targets 2; groups 8; ranks rk_<=1 rk_<=4; bounds 1/1/1
SELECT p.stage AS imd, p.male AS sex, SUM(CASE WHEN v.n IS NULL THEN 0 ELSE 1 END) AS numerator, COUNT(*) AS denominator FROM persons p LEFT JOIN (SELECT id, COUNT(*) AS n FROM visits WHERE day BETWEEN DATE '2011-01-01' AND DATE '2011-12-31' GROUP BY id) AS v ON p.id = v.id GROUP BY p.stage, p.male;

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS n, AVG(clamp(n_labs, 0, 4)) AS m FROM (SELECT id, COUNT(*) AS n_labs FROM labs GROUP BY id) AS t;

-- targets 1; groups 2; ranks rk_<=1 rk_<=4; bounds 1/1/1
SELECT p.male AS sex, COUNT(*) AS n FROM persons p WHERE EXISTS (SELECT 1 FROM visits v JOIN icd c ON v.code = c.code WHERE v.id = p.id AND c.chapter = 'endocrine') GROUP BY p.male;

-- targets 2; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
WITH a AS (SELECT id, value FROM labs), b AS (SELECT a.id, a.value, p.age FROM a JOIN persons p ON a.id = p.id) SELECT AVG(value) AS v FROM b WHERE age > 30;
