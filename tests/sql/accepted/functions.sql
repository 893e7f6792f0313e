-- targets 1; groups 86; ranks rk_<=1; bounds 1/1/1
SELECT date_part('year', born) AS y, COUNT(*) AS n FROM persons WHERE born < '1930-01-01' GROUP BY y;

-- targets 1; groups 86; ranks rk_<=1; bounds 1/1/1
SELECT EXTRACT(year FROM born) AS y, COUNT(*) AS n FROM persons WHERE born < '1930-01-01' GROUP BY y;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE date_diff('year', born, DATE '2012-01-01') >= 65;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE upper(town) IN ('OSLO', 'A');

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT lower(stage) AS s, COUNT(*) AS n FROM persons GROUP BY s;

-- targets 5; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(round(bmi, 1)) AS r, AVG(ceil(bmi)) AS c, AVG(floor(bmi)) AS f, AVG(trunc(bmi)) AS t FROM persons;

-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(abs(bmi - 25)) AS deviation, AVG(pow(bmi - 25, 2)) AS square FROM persons;

-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(greatest(bmi, 25)) AS g, AVG(least(bmi, 25)) AS l FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(ifnull(bmi, 25)) AS b FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(TRY_CAST(town AS INTEGER) IS NOT NULL) AS numbers FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(clamp(TRY_CAST(town AS INTEGER), 0, 100)) AS t FROM persons;

-- targets 1; groups 72; ranks rk_<=1; bounds 1/1/1
SELECT CAST(bmi AS INTEGER) AS b, COUNT(*) AS n FROM persons WHERE bmi BETWEEN 20 AND 25 GROUP BY b ORDER BY b;

-- targets 1; groups 16; ranks rk_<=1; bounds 1/1/1
SELECT bmi::INT // 5 * 5 AS b, COUNT(*) AS n FROM persons GROUP BY b ORDER BY b;

-- targets 1; groups 3; ranks rk_<=1; bounds 1/1/1
SELECT CASE stage WHEN 'none' THEN 0 WHEN 'mild' THEN 1 ELSE 2 END AS s, COUNT(*) AS n FROM persons GROUP BY s ORDER BY s;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT if(age > 60, 'old', 'young') AS a, COUNT(*) AS n FROM persons GROUP BY a;

-- targets 5; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(exp(bmi / 40)) AS e, AVG(ln(age)) AS l, AVG(sqrt(income)) AS s FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE age IS NOT DISTINCT FROM 50 OR age IN (51, 52);

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE NOT (bmi IS NULL) AND (smoker IS TRUE OR smoker IS UNKNOWN);

-- targets 1; groups 53; ranks rk_<=4; bounds 4/4/4
SELECT week(day) AS w, COUNT(*) AS n FROM visits WHERE year(day) = 2011 GROUP BY w ORDER BY w;

-- targets 1; groups 108; ranks gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/4/3
SELECT date_trunc('month', day) AS m, kind, SUM(cost) AS c FROM visits GROUP BY m, kind ORDER BY m, kind;

-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(bmi > 30) AS heavy, AVG((bmi > 30)::INT) AS share FROM persons;

-- targets 1; groups 3; ranks rk_<=1; bounds 1/1/1
SELECT nullif(stage, 'none') AS s, COUNT(*) AS n FROM persons GROUP BY s;

-- targets 1; groups 1025; ranks rk_<=1; bounds 1/1/1
SELECT len(town) AS l, COUNT(*) AS n FROM persons GROUP BY l;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE town ILIKE '%sl%' AND town NOT LIKE '_';

-- targets 4; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(age * 2 - 1) AS s, SUM(-age) AS t, SUM(age % 10) AS u, SUM(age // 10) AS v FROM persons;

-- targets 1; groups 9; ranks rk_<=1; bounds 1/1/1
SELECT width_bucket(age, 18, 98, 8) AS b, COUNT(*) AS n FROM persons GROUP BY b ORDER BY b;

-- targets 1; groups 13; ranks rpc_test<=2; bounds 2/2/2
SELECT width_bucket(value, 0, 500, 10) AS b, COUNT(*) AS n FROM labs WHERE test = 'chol' GROUP BY b ORDER BY b;

-- targets 1; groups 12; ranks rk_<=4; bounds 4/4/4
SELECT monthname(day) AS m, COUNT(*) AS n FROM visits GROUP BY m;

-- targets 1; groups 7; ranks rk_<=4; bounds 4/4/4
SELECT dayname(day) AS d, COUNT(*) AS n FROM visits GROUP BY d;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(date_sub('year', born, DATE '2012-01-01')) AS age FROM persons;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE day >= DATE '2011-01-01' AND day < DATE '2011-01-01' + INTERVAL 1 YEAR;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE day + INTERVAL 30 DAY > DATE '2012-12-01';

-- targets 1; groups 36; ranks rpc_kind<=3; bounds 3/3/3
SELECT last_day(day) AS d, COUNT(*) AS n FROM visits WHERE kind = 'er' GROUP BY d;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE starts_with(town, 'O') OR ends_with(town, 'o') OR contains(town, 'sl');

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE left(town, 1) = 'O' AND right(town, 2) = 'lo';

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE replace(town, 'O', 'o') = 'oslo';

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT concat(stage, '/', 'x') AS s, COUNT(*) AS n FROM persons GROUP BY s;

-- targets 3; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(sin(age)) AS s, AVG(cos(age)) AS c FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(cbrt(bmi)) AS c FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(radians(age)) AS r FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE isnan(weight) OR isfinite(weight);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE make_date(2011, 6, 1) < day;

-- targets 2; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT AVG(epoch(day)) AS e FROM visits;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(TRY_CAST(income AS SMALLINT)) AS s FROM persons;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(income::INTEGER) AS a FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(TRY_CAST(age - 30 AS UTINYINT)) AS s FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE TRY_CAST(visits AS INTEGER) > 2;
