-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(age) FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(age) FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(bmi), AVG(bmi), COUNT(bmi) FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(age), AVG(age), COUNT(*) FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(income), AVG(income) FROM persons;

-- targets 5; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(male), AVG(male), AVG(smoker) FROM persons;

-- targets 4; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(bmi) FILTER (WHERE male), AVG(bmi) FILTER (WHERE NOT male) FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(clamp(weight, 0, 150)) FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(clamp(visits, 0, 20)) FROM persons;

-- targets 1; groups 1; ranks rk_<=6; bounds 6/1/6
SELECT SUM(value) FROM labs;

-- targets 2; groups 1; ranks rpc_test<=2; bounds 2/1/2
SELECT SUM(value), AVG(value) FROM labs WHERE test = 'chol';

-- targets 2; groups 1; ranks rpc_test<=2; bounds 4/1/4
SELECT AVG(value) FROM labs WHERE test IN ('chol', 'dbp');

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(CASE WHEN male THEN bmi ELSE 0 END) FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(CASE WHEN male THEN bmi END) FROM persons;

-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(age * 2 + 1), SUM(age - 50), SUM(-age) FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(bmi / age) FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(clamp(bmi / (age - 50), -10, 10)) FROM persons;

-- targets 4; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(ln(bmi)), AVG(log10(bmi)), AVG(sqrt(bmi)) FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(pow(bmi, 2)), AVG(bmi * bmi), AVG(bmi ** 2) FROM persons;

-- targets 4; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(abs(age - 60)), SUM(sign(age - 60)), SUM(age % 10), SUM(age // 10) FROM persons;

-- targets 5; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(round(bmi)), SUM(floor(bmi)), SUM(ceil(bmi)), SUM(trunc(bmi)), SUM(round(bmi, 1)) FROM persons;

-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(least(bmi, 40)), SUM(greatest(bmi, 20)), SUM(coalesce(bmi, 25)) FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(datediff('year', born, DATE '2020-01-01')) FROM persons;

-- targets 4; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(year(born) - 1900), AVG(month(born)), AVG(DATE '2020-01-01' - born) FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(exp(bmi / 100)) FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(nullif(age, 50)) FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(clamp(bmi, 18.5, 40)) FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(clamp(bmi, 24.9, 200)) AS s FROM persons;

-- targets 1; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 4/2/2
SELECT test, SUM(clamp(value, 0, 20)) AS s FROM labs GROUP BY test;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(clamp(age, 20, 31)) FROM persons;

-- targets 2; groups 1; ranks rk_<=6; bounds 6/1/6
SELECT AVG(clamp(grade, -1, 9)) FROM labs;
