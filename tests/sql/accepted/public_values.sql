-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE nights > (SELECT AVG(weight) FROM icd);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE nights > (SELECT MAX(weight) FROM icd WHERE chapter = 'digestive');

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE nights > (SELECT MAX(weight) FROM icd WHERE chapter = 'none such');

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE nights <= (SELECT MAX(weight) FROM icd);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE nights <= (SELECT COUNT(*) FROM icd);

-- targets 3; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT AVG(nights - (SELECT AVG(weight) FROM icd)) AS a, SUM(nights * (SELECT SUM(weight) FROM icd WHERE chapter = 'endocrine')) AS s FROM visits;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) FILTER (WHERE nights > (SELECT MEDIAN(weight) FROM icd)) AS n FROM visits;

-- targets 1; groups 3; ranks rk_<=4; bounds 4/3/4
SELECT nights > (SELECT AVG(weight) FROM icd) AS longer, COUNT(*) AS n FROM visits GROUP BY longer ORDER BY ALL;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE code = (SELECT code FROM icd WHERE label = 'Obesity');

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE code = (SELECT code FROM icd ORDER BY label LIMIT 1);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE nights >= (SELECT weight FROM icd ORDER BY weight DESC LIMIT 1);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE nights >= (SELECT weight FROM icd WHERE chapter IS NOT NULL ORDER BY 1 LIMIT 1);

-- targets 1; groups 3; ranks gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/2/3
SELECT kind, COUNT(*) AS n FROM visits GROUP BY kind HAVING COUNT(*) > (SELECT MAX(weight) FROM icd);

-- targets 1; groups 3; ranks gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/2/3
SELECT kind, COUNT(*) - (SELECT MIN(weight) FROM icd) AS n FROM visits GROUP BY kind;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE nights BETWEEN (SELECT QUANTILE_DISC(weight, 0.25) FROM icd) AND (SELECT MAX(weight) - MIN(weight) FROM icd);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE nights > (SELECT VAR_SAMP(weight) FROM icd);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE nights > (SELECT SUM(CASE WHEN chapter = 'endocrine' THEN weight ELSE 0 END) FROM icd);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE nights > (SELECT COUNT(DISTINCT chapter) FROM icd);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE nights > coalesce((SELECT SUM(weight) FROM icd WHERE label LIKE 'q%'), 3);

-- targets 2; groups 1; ranks rk_<=4; bounds 1/1/1
SELECT AVG(n) AS a FROM (SELECT id, COUNT(*) AS n FROM visits WHERE nights > (SELECT AVG(weight) FROM icd) GROUP BY id HAVING MAX(nights) > (SELECT MIN(weight) FROM icd WHERE chapter = 'circulatory')) AS t;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits AS v WHERE EXISTS (SELECT 1 FROM icd AS c WHERE c.code = v.code AND c.weight > v.nights);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits AS v WHERE NOT EXISTS (SELECT 1 FROM icd AS c WHERE c.code = v.code AND c.weight > v.nights AND c.chapter = 'digestive');

-- targets 3; groups 2; ranks rk_<=4; bounds 4/2/4
SELECT EXISTS (SELECT 1 FROM icd AS c WHERE c.code = v.code AND c.weight < v.nights) AS heavy, COUNT(*) AS n, AVG(nights) AS a FROM visits AS v GROUP BY 1 ORDER BY 1;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits AS v WHERE EXISTS (SELECT 1 FROM icd AS c WHERE c.code = v.code AND c.weight = v.nights);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits AS v WHERE EXISTS (SELECT 1 FROM icd WHERE weight > 8);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits AS v WHERE v.nights IN (SELECT weight FROM icd AS c WHERE c.code = v.code);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits AS v WHERE v.nights NOT IN (SELECT c.weight FROM icd AS c WHERE c.code = v.code);

-- targets 1; groups 3; ranks rk_<=4; bounds 4/3/4
SELECT v.nights IN (SELECT c.weight FROM icd AS c WHERE c.code = v.code) AS k, COUNT(*) AS n FROM visits AS v GROUP BY k;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE (code, nights) IN (SELECT code, weight FROM icd);

-- targets 1; groups 3; ranks rk_<=4; bounds 4/3/4
SELECT (code, nights) IN (SELECT code, weight FROM icd) AS k, COUNT(*) AS n FROM visits GROUP BY k;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE (code, kind) NOT IN (SELECT code, chapter FROM icd);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits AS v SEMI JOIN icd AS c ON v.code = c.code AND v.nights < c.weight;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits AS v ANTI JOIN icd AS c ON v.code = c.code AND v.nights < c.weight AND c.chapter <> 'digestive';

-- targets 1; groups 1; ranks rk_<=1 rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM persons AS p JOIN visits AS v ON p.id = v.id WHERE EXISTS (SELECT 1 FROM icd AS c WHERE c.code = v.code AND c.weight * 10 > p.age AND v.nights > 0);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT SUM(CASE WHEN EXISTS (SELECT 1 FROM icd AS c WHERE c.code = v.code AND c.label <> '"_o0"' AND c.weight > v.nights + 1) THEN 1 ELSE 0 END) AS n FROM visits AS v;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits AS v WHERE EXISTS (SELECT 1 FROM icd AS c WHERE c.weight > v.nights);

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits AS v WHERE EXISTS (SELECT 1 FROM icd AS c JOIN icd AS d ON c.code = d.code WHERE c.code = v.code AND d.weight > v.nights);
