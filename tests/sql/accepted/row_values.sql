-- targets 1; groups 1; ranks rk_<=1 rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM persons NATURAL JOIN visits WHERE nights > 3 AND male;

-- targets 3; groups 2; ranks rk_<=1 rk_<=4; bounds 4/1/4
SELECT male, COUNT(*) AS n, AVG(nights) AS a FROM persons NATURAL JOIN (SELECT id, nights, kind FROM visits) AS v GROUP BY male ORDER BY ALL;

-- targets 1; groups 1; ranks rk_<=6 rk_<=4; bounds 24/1/24
SELECT COUNT(*) AS n FROM labs NATURAL JOIN visits;

-- targets 1; groups 1; ranks rk_<=4; bounds 8/1/8
SELECT COUNT(*) AS n, COUNT(label) AS l FROM visits NATURAL JOIN icd;

-- targets 1; groups 4; ranks rk_<=4; bounds 8/4/8
SELECT chapter, COUNT(*) AS n FROM visits NATURAL LEFT JOIN icd GROUP BY ALL ORDER BY ALL DESC;

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 6/1/6
SELECT COUNT(*) FROM persons NATURAL LEFT JOIN labs;

-- targets 1; groups 1; ranks rk_<=1; bounds 2/1/2
SELECT COUNT(*) FROM persons NATURAL JOIN icd;

-- targets 1; groups 6; ranks rk_<=1; bounds 1/1/1
SELECT male, smoker, COUNT(*) AS n FROM persons GROUP BY male, smoker ORDER BY ALL;

-- targets 1; groups 6; ranks rk_<=1; bounds 1/1/1
SELECT male, smoker, COUNT(*) AS n FROM persons GROUP BY male, smoker ORDER BY ALL DESC NULLS FIRST;

-- targets 1; groups 6; ranks rk_<=1; bounds 1/1/1
SELECT male, smoker, COUNT(*) AS n FROM persons GROUP BY male, smoker ORDER BY * DESC NULLS LAST;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE (age, male) IN ((40, true), (50, false));

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE (age, male) NOT IN ((40, true), (50, false));

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE (stage, smoker) IN (('mild', true), ('none', NULL));

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE (stage, smoker) = ('mild', true);

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE (stage, smoker) <> ('mild', true);

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE (stage, smoker) IS NOT DISTINCT FROM (NULL, true);

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE (stage, smoker) IS DISTINCT FROM (NULL, true);

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT (stage, smoker) = ('mild', true) AS k, COUNT(*) AS n FROM persons GROUP BY k;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FILTER (WHERE (male, smoker) = (smoker, male)) AS n FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(DISTINCT (stage, smoker)) FROM persons;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT male, COUNT(DISTINCT (stage, smoker)) AS c FROM persons GROUP BY male;

-- targets 1; groups 1; ranks rk_<=6; bounds 6/1/6
SELECT COUNT(DISTINCT (test, site, value)) AS c FROM labs WHERE value > 10;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(DISTINCT (bmi, weight)) FILTER (WHERE male) AS c FROM persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons ORDER BY ALL;

-- targets 1; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT COUNT(*) FROM persons NATURAL JOIN labs;
