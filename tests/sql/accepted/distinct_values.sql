-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(DISTINCT stage) AS n FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(DISTINCT town) AS n FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(DISTINCT age) AS n FROM persons;

-- targets 1; groups 1; ranks rk_<=6; bounds 6/1/6
SELECT COUNT(DISTINCT test) AS n FROM labs;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT male, COUNT(DISTINCT stage) AS n FROM persons GROUP BY male;

-- targets 2; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(DISTINCT kind) AS kinds, COUNT(*) AS n FROM visits WHERE nights > 0;

-- targets 1; groups 1; ranks rk_<=6; bounds 6/1/6
SELECT COUNT(DISTINCT year(day)) AS years FROM labs;

-- targets 1; groups 1; ranks none; bounds 1/1/1
SELECT APPROX_COUNT_DISTINCT(id) AS n FROM labs;

-- targets 1; groups 1; ranks rk_<=6; bounds 6/1/6
SELECT APPROX_COUNT_DISTINCT(test) AS n FROM labs;

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1 6/1/6
SELECT COUNT(DISTINCT id) FILTER (WHERE value > 200) AS n, COUNT(DISTINCT test) FILTER (WHERE value > 200) AS t FROM labs;
