-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT VAR_POP(age) AS v FROM persons;

-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT VAR_SAMP(bmi) AS v, STDDEV_SAMP(bmi) AS s FROM persons;

-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT STDDEV(bmi) AS s, VARIANCE(bmi) AS v, AVG(bmi) AS m FROM persons;

-- targets 3; groups 1; ranks rpc_test<=2; bounds 2/1/2
SELECT STDDEV_POP(value) AS s FROM labs WHERE test = 'chol';

-- targets 3; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 4/2/2
SELECT test, AVG(value) AS m, STDDEV(value) AS s, COUNT(value) AS n FROM labs GROUP BY test ORDER BY test;

-- targets 3; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT male, AVG(bmi) AS m, STDDEV_SAMP(bmi) AS s FROM persons GROUP BY male;

-- targets 4; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COVAR_POP(age, bmi) AS c FROM persons;

-- targets 4; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COVAR_SAMP(age, income) AS c FROM persons;

-- targets 6; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT CORR(age, bmi) AS r FROM persons;

-- targets 6; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT male, CORR(age, income) AS r FROM persons GROUP BY male;

-- targets 6; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT REGR_SLOPE(bmi, age) AS b, REGR_INTERCEPT(bmi, age) AS a, REGR_R2(bmi, age) AS r2 FROM persons;

-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT REGR_COUNT(bmi, age) AS n, REGR_AVGX(bmi, age) AS x, REGR_AVGY(bmi, age) AS y FROM persons;

-- targets 6; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT REGR_SXX(bmi, age) AS xx, REGR_SYY(bmi, age) AS yy, REGR_SXY(bmi, age) AS xy FROM persons;

-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT STDDEV(bmi) / AVG(bmi) AS cv FROM persons;

-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(bmi) - 1.96 * STDDEV(bmi) / sqrt(COUNT(bmi)) AS low, AVG(bmi) + 1.96 * STDDEV(bmi) / sqrt(COUNT(bmi)) AS high FROM persons;

-- targets 6; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT VAR_POP(age) FILTER (WHERE male) AS men, VAR_POP(age) FILTER (WHERE NOT male) AS women FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(bmi * income) / NULLIF(SUM(bmi), 0) AS weighted FROM persons;

-- targets 7; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT (AVG(bmi) FILTER (WHERE male) - AVG(bmi) FILTER (WHERE NOT male)) / STDDEV(bmi) AS cohens_d FROM persons;

-- targets 3; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 4/2/2
SELECT test, VAR_SAMP(clamp(value, 50, 300)) AS v FROM labs GROUP BY test;

-- targets 7; groups 1; ranks rk_<=6; bounds 6/1/6
SELECT CORR(value, grade) AS r, COUNT(*) AS n FROM labs;

-- targets 3; groups 3; ranks gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/2/3
SELECT kind, STDDEV_POP(nights) AS s FROM visits GROUP BY kind;

-- targets 3; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT VAR_POP(l.value) AS v FROM persons p JOIN labs l ON p.id = l.id WHERE p.male;
