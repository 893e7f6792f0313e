-- targets 1; groups 9; ranks rk_<=1; bounds 1/1/1
SELECT (age // 10) * 10 AS band, COUNT(*) AS n FROM persons GROUP BY band ORDER BY band;

-- targets 3; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT CASE WHEN age < 40 THEN '18-39' WHEN age < 60 THEN '40-59' WHEN age < 80 THEN '60-79' ELSE '80+' END AS band, male, COUNT(*) AS n, AVG(bmi) AS bmi FROM persons GROUP BY ALL ORDER BY band, male;

-- targets 2; groups 17; ranks rk_<=1; bounds 1/1/1
SELECT floor(age / 5) * 5 AS band, SUM(CASE WHEN stage = 'severe' THEN 1 ELSE 0 END) AS cases, COUNT(*) AS population FROM persons GROUP BY band HAVING COUNT(*) > 0 ORDER BY band;

-- targets 1; groups 12; ranks rk_<=1; bounds 1/1/1
SELECT stage, smoker, COUNT(*) AS n FROM persons GROUP BY stage, smoker ORDER BY stage, smoker;

-- targets 2; groups 8; ranks rk_<=1; bounds 1/1/1
SELECT male, stage, COUNT(*) AS n, 1000.0 * COUNT(*) FILTER (WHERE died IS NOT NULL) / COUNT(*) AS per_thousand FROM persons GROUP BY male, stage;

-- targets 4; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(CASE WHEN smoker AND stage = 'severe' THEN 1 ELSE 0 END) AS a, SUM(CASE WHEN smoker AND stage <> 'severe' THEN 1 ELSE 0 END) AS b, SUM(CASE WHEN NOT smoker AND stage = 'severe' THEN 1 ELSE 0 END) AS c, SUM(CASE WHEN NOT smoker AND stage <> 'severe' THEN 1 ELSE 0 END) AS d FROM persons;

-- targets 4; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT (a * d) / NULLIF(b * c, 0) AS odds_ratio FROM (SELECT COUNT(*) FILTER (WHERE smoker AND died IS NOT NULL) AS a, COUNT(*) FILTER (WHERE smoker AND died IS NULL) AS b, COUNT(*) FILTER (WHERE NOT smoker AND died IS NOT NULL) AS c, COUNT(*) FILTER (WHERE NOT smoker AND died IS NULL) AS d FROM persons) AS t;

-- targets 1; groups 10000; ranks rk_<=1; bounds 1/1/1
SELECT year(died) AS y, COUNT(*) AS deaths FROM persons WHERE died IS NOT NULL AND died BETWEEN '2000-01-01' AND '2025-12-31' GROUP BY y;

-- targets 2; groups 9; ranks rk_<=1; bounds 1/1/1
SELECT year(born) // 10 * 10 AS cohort, COUNT(*) AS n, AVG(income) AS income FROM persons GROUP BY cohort ORDER BY cohort;

-- targets 2; groups 1; ranks rk_<=6; bounds 6/1/6
SELECT COUNT(*) AS n, SUM(datediff('day', DATE '2010-01-01', day)) / 365.25 AS person_years FROM labs;

-- targets 2; groups 12; ranks gr_test<=2 rk_<=6 rpc_test<=2; bounds 6/6/2
SELECT test, year(day) AS y, AVG(value) AS v, COUNT(value) AS n FROM labs GROUP BY test, y ORDER BY test, y;

-- targets 2; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT CASE WHEN income < 1000000 THEN 1 WHEN income < 2000000 THEN 2 WHEN income < 3000000 THEN 3 ELSE 4 END AS quartile, AVG(bmi) AS bmi FROM persons GROUP BY quartile ORDER BY quartile;

-- targets 1; groups 6; ranks rk_<=1; bounds 1/1/1
SELECT age > 65 AS old, male AND smoker AS male_smoker, COUNT(*) AS n FROM persons GROUP BY old, male_smoker;

-- targets 1; groups 21; ranks gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/4/3
SELECT kind, isodow(day) AS weekday, COUNT(*) AS n FROM visits GROUP BY kind, weekday ORDER BY kind, weekday;

-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n, COUNT(bmi) AS with_bmi, COUNT(*) - COUNT(bmi) AS missing, COUNT(died) AS died FROM persons;

-- targets 2; groups private; ranks rk_<=1; bounds 1/1/1
SELECT town, COUNT(*) AS n, AVG(age) AS age FROM persons GROUP BY town ORDER BY town;

-- targets 1; groups private; ranks rk_<=1; bounds 1/1/1
SELECT town, male, COUNT(*) AS n FROM persons GROUP BY town, male ORDER BY town, male;

-- targets 2; groups private; ranks gr_clinic<=2 gr_kind<=2 rk_<=4 rpc_clinic<=3 rpc_kind<=3; bounds 4/4/3
SELECT clinic, kind, COUNT(*) AS n, SUM(cost) AS cost FROM visits GROUP BY clinic, kind;

-- targets 0; groups private; ranks gr_clinic<=2; bounds none
SELECT clinic, COUNT(DISTINCT id) AS people FROM visits GROUP BY clinic;

-- targets 2; groups private; ranks gr_site<=2 gr_test<=2 rk_<=6 rpc_site<=2 rpc_test<=2; bounds 6/4/2
SELECT site, test, AVG(value) AS v FROM labs GROUP BY site, test;

-- targets 1; groups 86; ranks rk_<=1; bounds 1/1/1
SELECT year(born) AS y, COUNT(*) AS births FROM persons WHERE born >= '1990-01-01' GROUP BY y ORDER BY births DESC, y LIMIT 5;

-- targets 6; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(age) AS crude, SUM(CASE WHEN male THEN age ELSE 0 END) / NULLIF(SUM(CASE WHEN male THEN 1 ELSE 0 END), 0) AS men, SUM(CASE WHEN male THEN 0 ELSE age END) / NULLIF(SUM(CASE WHEN male THEN 0 ELSE 1 END), 0) AS women FROM persons;
