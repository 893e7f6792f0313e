-- targets 4; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n, AVG(age) AS mean_age, AVG(bmi) AS mean_bmi FROM persons WHERE stage = 'severe';

-- targets 3; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT stage, COUNT(*) AS n, AVG(bmi) AS bmi FROM persons WHERE age >= 40 AND NOT male GROUP BY stage ORDER BY stage;

-- targets 1; groups 5; ranks rk_<=1; bounds 1/1/1
SELECT CASE WHEN bmi < 18.5 THEN 'underweight' WHEN bmi < 25 THEN 'normal' WHEN bmi < 30 THEN 'overweight' WHEN bmi >= 30 THEN 'obese' ELSE 'unknown' END AS class, COUNT(*) AS n FROM persons GROUP BY class ORDER BY class;

-- targets 2; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT male, SUM(CASE WHEN died IS NOT NULL THEN 1 ELSE 0 END) AS deaths, COUNT(*) AS n FROM persons GROUP BY male;

-- targets 2; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT male, SUM(CASE WHEN died IS NOT NULL THEN 1 ELSE 0 END) / COUNT(*) AS mortality FROM persons GROUP BY male;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(datediff('day', born, died) / 365.25) AS age_at_death FROM persons WHERE died IS NOT NULL AND died < DATE '2021-01-01';

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(clamp(datediff('day', born, died) / 365.25, 0, 110)) AS age_at_death FROM persons WHERE died IS NOT NULL;

-- targets 4; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 2/2/1 4/2/2
SELECT test, COUNT(*) AS measurements, COUNT(DISTINCT id) AS patients, AVG(value) AS mean_value FROM labs GROUP BY test ORDER BY test;

-- targets 2; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 4/2/2
SELECT test, AVG(value) AS v FROM labs WHERE day BETWEEN DATE '2011-01-01' AND DATE '2011-12-31' GROUP BY test;

-- targets 3; groups 4; ranks gr_test<=2 rpc_test<=2; bounds 4/2/2
SELECT test, COUNT(*) FILTER (WHERE value > 200) AS high, COUNT(*) FILTER (WHERE value <= 200) AS low, COUNT(*) FILTER (WHERE value IS NULL) AS missing FROM labs GROUP BY test;

-- targets 1; groups 1; ranks none; bounds 1/1/1
SELECT COUNT(DISTINCT id) AS ever_high FROM labs WHERE test = 'chol' AND value >= 240;

-- targets 2; groups 3; ranks rk_<=6; bounds 3/3/1 6/3/6
SELECT year(day) AS y, COUNT(*) AS n, COUNT(DISTINCT id) AS people FROM labs GROUP BY y ORDER BY y;

-- targets 2; groups 12; ranks rpc_test<=2; bounds 2/2/2
SELECT date_trunc('quarter', day) AS q, AVG(value) AS v FROM labs WHERE test = 'fib4' GROUP BY q ORDER BY q;

-- targets 2; groups 3; ranks gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/2/3
SELECT kind, SUM(cost) AS cost, SUM(nights) AS nights, SUM(cost) / NULLIF(SUM(nights), 0) AS per_night FROM visits GROUP BY kind ORDER BY kind;

-- targets 4; groups 3; ranks gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/2/3
SELECT kind, AVG(cost) FILTER (WHERE nights > 0) AS admitted, AVG(cost) FILTER (WHERE nights = 0) AS day_case FROM visits GROUP BY kind;

-- targets 1; groups 1; ranks rpc_kind<=3; bounds 3/1/3
SELECT COUNT(*) AS er_visits FROM visits WHERE kind = 'er' AND day >= '2012-01-01';

-- targets 1; groups 36; ranks gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/4/3
SELECT month(day) AS m, kind, COUNT(*) AS n FROM visits GROUP BY m, kind ORDER BY m, kind;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(CASE WHEN smoker THEN 1 ELSE 0 END) * 100.0 / COUNT(smoker) AS percent_smokers FROM persons;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT stage IS NULL AS unstaged, COUNT(*) AS n FROM persons GROUP BY 1;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT COALESCE(stage, 'unknown') AS s, COUNT(*) AS n FROM persons GROUP BY s ORDER BY s;

-- targets 4; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(CASE WHEN smoker THEN bmi END) - AVG(CASE WHEN NOT smoker THEN bmi END) AS difference FROM persons;

-- targets 1; groups 9; ranks rpc_test<=2; bounds 4/4/4
SELECT grade, COUNT(*) AS n FROM labs WHERE test IN ('chol', 'hdl') GROUP BY grade ORDER BY grade NULLS LAST;

-- targets 1; groups 1; ranks rpc_kind<=3; bounds 3/1/3
SELECT SUM(nights) / 365.25 AS bed_years FROM visits WHERE kind = 'ward';

-- targets 1; groups 2; ranks rk_<=4; bounds 4/2/4
SELECT code IS NOT NULL AS coded, COUNT(*) AS n FROM visits GROUP BY coded;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE code LIKE 'K7%' AND nights BETWEEN 1 AND 7;

-- targets 0; groups private; ranks gr_code<=2; bounds none
SELECT substring(code, 1, 1) AS letter, COUNT(DISTINCT id) AS people FROM visits GROUP BY letter;
