-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT MEDIAN(bmi) AS m FROM persons WHERE male;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT QUANTILE_DISC(age, 0.9) AS p90 FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT percentile_disc(0.1) WITHIN GROUP (ORDER BY age) AS m FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT MODE(stage) AS most FROM persons;

-- targets 1; groups 1; ranks rk_<=6; bounds 6/1/6
SELECT MODE(test) AS most FROM labs;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT male, MODE(stage) AS most FROM persons GROUP BY male;

-- targets 3; groups 3; ranks gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/2/3
SELECT kind, QUANTILE_DISC(nights, 0.5) AS m, AVG(nights) AS a FROM visits GROUP BY kind;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT MEDIAN(age) AS m FROM persons;

-- targets 1; groups 1; ranks rpc_test<=2; bounds 2/1/2
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS m FROM labs WHERE test = 'chol';

-- targets 2; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 4/2/2
SELECT test, MEDIAN(value) AS m, COUNT(*) AS n FROM labs GROUP BY test ORDER BY test;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT MIN(age) AS low, MAX(age) AS high FROM persons;

-- targets 4; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT MIN(bmi) AS low, MAX(bmi) AS high, AVG(bmi) AS m FROM persons;

-- targets 1; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 4/2/2
SELECT test, MAX(value) AS top FROM labs GROUP BY test;

-- targets 2; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT MIN(day) AS first, MAX(day) AS last FROM visits;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT MEDIAN(born) AS m FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT APPROX_QUANTILE(age, 0.5) AS m FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT MEDIAN(clamp(weight, 0, 200)) AS m FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT MEDIAN(age) FILTER (WHERE smoker) AS smokers, MEDIAN(age) FILTER (WHERE NOT smoker) AS others FROM persons;

-- targets 1; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT MEDIAN(n) AS m FROM (SELECT id, COUNT(*) AS n FROM labs GROUP BY id) AS t;

-- targets 1; groups 2; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT p.male, MEDIAN(l.value) AS m FROM persons p JOIN labs l ON p.id = l.id GROUP BY p.male;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT QUANTILE_CONT(bmi, 0.25) AS q1, QUANTILE_CONT(bmi, 0.75) AS q3 FROM persons;
