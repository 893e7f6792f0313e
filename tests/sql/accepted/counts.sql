-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM nafld.persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT count(*) AS n FROM "NAFLD"."Persons" AS p;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
FROM persons SELECT COUNT(*);

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(1) FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(bmi) FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(age), COUNT(*) FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(id) FROM persons;

-- targets 1; groups 1; ranks none; bounds 1/1/1
SELECT COUNT(DISTINCT id) FROM persons;

-- targets 1; groups 1; ranks none; bounds 1/1/1
SELECT COUNT(DISTINCT p.id) FROM persons p WHERE p.male;

-- targets 1; groups 1; ranks none; bounds 1/1/1
SELECT COUNT(DISTINCT id) FROM labs;

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1 6/1/6
SELECT COUNT(DISTINCT id), COUNT(*) FROM labs;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT_IF(bmi > 30) FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FILTER (WHERE bmi > 30), COUNT_IF(bmi > 30), SUM(CASE WHEN bmi > 30 THEN 1 ELSE 0 END) FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(CASE WHEN bmi > 30 THEN 1 END) FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(CAST(bmi > 30 AS INTEGER)) FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(1), SUM(2) FROM persons;

-- targets 1; groups 1; ranks none; bounds 1/1/1
SELECT COUNT(DISTINCT id) FILTER (WHERE value > 100) FROM labs;
