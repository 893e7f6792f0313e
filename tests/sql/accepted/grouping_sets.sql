-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, COUNT(*) AS n FROM persons GROUP BY ROLLUP (stage);

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT male, stage, COUNT(*) AS n FROM persons GROUP BY ROLLUP (male, stage);

-- targets 3; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT male, stage, COUNT(*) AS n, AVG(bmi) AS bmi FROM persons GROUP BY CUBE (male, stage);

-- targets 1; groups 7; ranks rk_<=1; bounds 3/3/1
SELECT male, stage, COUNT(*) AS n FROM persons GROUP BY GROUPING SETS ((male), (stage), ());

-- targets 1; groups 6; ranks rk_<=1; bounds 2/2/1
SELECT male, stage, COUNT(*) AS n FROM persons GROUP BY GROUPING SETS (male, stage);

-- targets 1; groups 12; ranks gr_test<=2 rk_<=6 rpc_test<=2; bounds 6/6/2
SELECT test, year(day) AS y, COUNT(*) AS n FROM labs GROUP BY ROLLUP (test, y);

-- targets 1; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT male, stage, GROUPING(male) AS g, COUNT(*) AS n FROM persons GROUP BY CUBE (male, stage);

-- targets 1; groups 24; ranks rk_<=1; bounds 1/1/1
SELECT male, smoker, stage, COUNT(*) AS n FROM persons GROUP BY male, ROLLUP (smoker, stage);

-- targets 2; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 4/2/2
SELECT test, AVG(value) AS v, SUM(value) AS s FROM labs GROUP BY ROLLUP (test);

-- targets 1; groups 9; ranks gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/4/3
SELECT kind, year(day) AS y, SUM(cost) AS c FROM visits GROUP BY GROUPING SETS ((kind, y), (kind), ());

-- targets 1; groups 8; ranks gr_test<=2 rpc_test<=2 rk_<=1; bounds 4/2/2
SELECT p.male, l.test, COUNT(*) AS n FROM persons p JOIN labs l ON p.id = l.id GROUP BY ROLLUP (p.male, l.test);
