-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT male, COUNT(*) FROM persons GROUP BY male;

-- targets 1; groups 3; ranks rk_<=1; bounds 1/1/1
SELECT smoker, COUNT(*) FROM persons GROUP BY smoker;

-- targets 3; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, COUNT(*), AVG(bmi) FROM persons GROUP BY stage;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons GROUP BY stage;

-- targets 1; groups 81; ranks rk_<=1; bounds 1/1/1
SELECT age, COUNT(*) FROM persons GROUP BY age;

-- targets 1; groups 9; ranks rk_<=1; bounds 1/1/1
SELECT floor(age / 10) * 10 AS decade, COUNT(*) FROM persons GROUP BY decade;

-- targets 1; groups 9; ranks rk_<=1; bounds 1/1/1
SELECT age // 10 AS decade, COUNT(*) FROM persons GROUP BY 1;

-- targets 1; groups 16; ranks rk_<=1; bounds 1/1/1
SELECT CAST(floor(bmi / 5) AS BIGINT) * 5 AS b, COUNT(*) FROM persons GROUP BY b;

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT stage, male, COUNT(*) FROM persons GROUP BY stage, male;

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT male, stage, COUNT(*) FROM persons GROUP BY 1, 2;

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT male, stage, COUNT(*) FROM persons GROUP BY ALL;

-- targets 1; groups 3; ranks rk_<=1; bounds 1/1/1
SELECT bmi > 30 AS heavy, COUNT(*) FROM persons GROUP BY heavy;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT bmi IS NULL AS missing, COUNT(*) FROM persons GROUP BY missing;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT CASE WHEN bmi < 18.5 THEN 'under' WHEN bmi < 25 THEN 'normal' WHEN bmi >= 25 THEN 'over' END AS class, COUNT(*) FROM persons GROUP BY class;

-- targets 2; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT IF(male, 'm', 'f') AS sex, AVG(age) FROM persons GROUP BY sex;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT upper(stage) AS s, COUNT(*) FROM persons GROUP BY s;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT substring(stage, 1, 1) AS s, COUNT(*) FROM persons GROUP BY s;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT coalesce(stage, 'unknown') AS s, COUNT(*) FROM persons GROUP BY s;

-- targets 1; groups 3; ranks rk_<=1; bounds 1/1/1
SELECT stage = 'none' AS s, COUNT(*) FROM persons GROUP BY s;

-- targets 1; groups 86; ranks rk_<=1; bounds 1/1/1
SELECT year(born) AS y, COUNT(*) FROM persons GROUP BY y;

-- targets 1; groups 86; ranks rk_<=1; bounds 1/1/1
SELECT date_trunc('year', born) AS y, COUNT(*) FROM persons GROUP BY y;

-- targets 1; groups 13; ranks rk_<=1; bounds 1/1/1
SELECT month(died) AS m, COUNT(*) FROM persons GROUP BY m;

-- targets 1; groups 7; ranks rk_<=1; bounds 1/1/1
SELECT extract(dow FROM born) AS d, COUNT(*) FROM persons GROUP BY d;

-- targets 1; groups private; ranks rk_<=1; bounds 1/1/1
SELECT town, COUNT(*) FROM persons GROUP BY town;

-- targets 2; groups private; ranks rk_<=1; bounds 1/1/1
SELECT town, COUNT(DISTINCT id), AVG(bmi) FROM persons GROUP BY town;

-- targets 0; groups private; ranks rk_<=1; bounds none
SELECT lower(town) AS t FROM persons GROUP BY t;

-- targets 1; groups private; ranks rk_<=1; bounds 1/1/1
SELECT town, male, COUNT(*) FROM persons GROUP BY town, male;

-- targets 1; groups private; ranks rk_<=1; bounds 1/1/1
SELECT visits, COUNT(*) FROM persons GROUP BY visits;

-- targets 2; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 4/2/2
SELECT test, COUNT(*), SUM(value) FROM labs GROUP BY test;

-- targets 1; groups 4; ranks gr_test<=2; bounds 2/2/1
SELECT test, COUNT(DISTINCT id) FROM labs GROUP BY test;

-- targets 3; groups private; ranks gr_site<=2 rpc_site<=2; bounds 4/2/2
SELECT site, COUNT(*), AVG(value) FROM labs GROUP BY site;

-- targets 1; groups private; ranks gr_site<=2 gr_test<=2 rk_<=6 rpc_site<=2 rpc_test<=2; bounds 6/4/2
SELECT test, site, COUNT(*) FROM labs GROUP BY test, site;

-- targets 1; groups 9; ranks rpc_test<=2; bounds 2/2/2
SELECT grade, COUNT(*) FROM labs WHERE test = 'chol' GROUP BY grade;

-- targets 1; groups 2; ranks rk_<=6; bounds 6/2/6
SELECT CASE WHEN test = 'chol' THEN 'chol' ELSE 'other' END AS t, SUM(value) FROM labs GROUP BY t;

-- targets 1; groups 13; ranks rk_<=1; bounds 1/1/1
SELECT least(age, 30) AS young, COUNT(*) FROM persons GROUP BY young;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT CAST(male AS VARCHAR) AS m, COUNT(*) FROM persons GROUP BY m;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT age BETWEEN 40 AND 60 AS middle, COUNT(*) FROM persons GROUP BY middle;
