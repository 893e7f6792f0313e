-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(b) AS m FROM (SELECT bmi AS b FROM (SELECT bmi, age FROM (SELECT * FROM persons) AS x WHERE age > 30) AS y) AS z;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
WITH adults AS (SELECT * FROM persons WHERE age >= 40) SELECT COUNT(*) AS n FROM adults;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
WITH adults AS (SELECT id, male, bmi FROM persons WHERE age >= 40), heavy AS (SELECT id, male FROM adults WHERE bmi > 30) SELECT male, COUNT(*) AS n FROM heavy GROUP BY male;

-- targets 3; groups 1; ranks rpc_test<=2; bounds 1/1/1 2/1/2
WITH chol AS (SELECT id, value FROM labs WHERE test = 'chol') SELECT AVG(value) AS v, COUNT(DISTINCT id) AS n FROM chol;

-- targets 2; groups 2; ranks rk_<=6 rk_<=1; bounds 6/1/6
WITH p AS (SELECT id, male FROM persons), l AS (SELECT id, value FROM labs) SELECT p.male, AVG(l.value) AS v FROM p JOIN l ON p.id = l.id GROUP BY p.male;

-- targets 1; groups 1; ranks rk_<=6 rk_<=6; bounds 36/1/36
WITH l AS (SELECT id, value FROM labs) SELECT COUNT(*) AS n FROM l AS a JOIN l AS b ON a.id = b.id;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
WITH counts AS (SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage) SELECT stage, n FROM counts WHERE n > 5 ORDER BY n DESC, stage;

-- targets 2; groups 9; ranks rk_<=1; bounds 1/1/1
WITH a AS (SELECT age, bmi FROM persons), b AS (SELECT age AS years, bmi * bmi AS sq FROM a), c AS (SELECT years // 10 AS decade, sq FROM b) SELECT decade, AVG(sq) AS m FROM c GROUP BY decade ORDER BY decade;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
WITH t AS MATERIALIZED (SELECT age FROM persons) SELECT AVG(age) AS a FROM t;

-- targets 2; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
WITH cases AS (SELECT id FROM persons WHERE stage = 'severe') SELECT AVG(l.value) AS v FROM labs l JOIN cases c ON l.id = c.id;

-- targets 2; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
WITH cases AS (SELECT id FROM persons WHERE stage = 'severe') SELECT AVG(value) AS v FROM labs WHERE id IN (SELECT id FROM cases);

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
WITH per AS (SELECT id, COUNT(*) AS n FROM labs GROUP BY id) SELECT AVG(n) AS mean_labs FROM per;

-- targets 2; groups 4; ranks rk_<=1 rpc_test<=2; bounds 1/1/1
WITH per AS (SELECT id, MAX(value) AS top FROM labs WHERE test = 'chol' GROUP BY id) SELECT p.stage, AVG(per.top) AS v FROM persons p JOIN per ON p.id = per.id GROUP BY p.stage;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
WITH unused AS (SELECT COUNT(*) AS n FROM labs) SELECT COUNT(*) AS n FROM persons;

-- targets 2; groups 8; ranks rk_<=1; bounds 1/1/1
WITH grouped AS (SELECT male, stage, COUNT(*) AS n, SUM(bmi) AS s FROM persons GROUP BY male, stage) SELECT male, stage, s / NULLIF(n, 0) AS ratio FROM grouped ORDER BY male, stage;

-- targets 1; groups 1; ranks none; bounds 1/1/1
WITH digestive AS (SELECT code FROM icd WHERE chapter = 'digestive') SELECT COUNT(DISTINCT v.id) AS n FROM visits v JOIN digestive d ON v.code = d.code;

-- targets 4; groups 1; ranks rk_<=1; bounds 1/1/1
WITH t(a, b) AS (SELECT age, bmi FROM persons) SELECT AVG(a) AS a, AVG(b) AS b FROM t;
