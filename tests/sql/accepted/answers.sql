-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) * 2 + 1 AS n FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(bmi) / COUNT(*) AS mean FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT round(AVG(bmi), 1) AS m, CAST(AVG(bmi) AS INTEGER) AS i FROM persons;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, CASE WHEN COUNT(*) > 12 THEN 'many' ELSE 'few' END AS size FROM persons GROUP BY stage;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage HAVING n > 12;

-- targets 3; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage HAVING AVG(bmi) > 1 AND COUNT(*) > 12;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage ORDER BY stage;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage ORDER BY n DESC, stage;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage ORDER BY 1 DESC NULLS FIRST;

-- targets 1; groups 81; ranks rk_<=1; bounds 1/1/1
SELECT age, COUNT(*) AS n FROM persons GROUP BY age ORDER BY age DESC LIMIT 3 OFFSET 2;

-- targets 2; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage FROM persons GROUP BY stage ORDER BY AVG(bmi) DESC LIMIT 1;

-- targets 1; groups 344; ranks rk_<=1; bounds 1/1/1
SELECT upper(stage) AS s, year(y) AS y2, n FROM (SELECT stage, date_trunc('year', born) AS y, COUNT(*) AS n FROM persons GROUP BY ALL) AS t WHERE n > 0 ORDER BY s, y2;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) / NULLIF(COUNT(*) - COUNT(*), 0) AS nothing FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT 'text' AS t, 1 AS one, COUNT(*) FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*), COUNT(*) AS "count(*)" FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COALESCE(AVG(bmi) FILTER (WHERE age > 200), 0) FROM persons;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage || '!' AS s, COUNT(*) FROM persons GROUP BY stage;
