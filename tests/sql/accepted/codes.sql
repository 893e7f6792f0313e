-- targets 1; groups 4; ranks rk_<=4; bounds 8/4/8
SELECT c.chapter, COUNT(*) AS n FROM visits v JOIN icd c ON v.code = c.code GROUP BY c.chapter;

-- targets 2; groups 8; ranks rk_<=4; bounds 8/8/8
SELECT c.label, COUNT(*) AS n, SUM(v.cost) AS cost FROM visits v JOIN icd c ON v.code = c.code GROUP BY c.label;

-- targets 1; groups 1; ranks rk_<=4; bounds 8/1/8
SELECT COUNT(*) AS n FROM visits v LEFT JOIN icd c ON v.code = c.code;

-- targets 1; groups 1; ranks rk_<=4; bounds 8/1/8
SELECT COUNT(*) AS unmatched FROM visits v LEFT JOIN icd c ON v.code = c.code WHERE c.code IS NULL;

-- targets 1; groups 4; ranks rk_<=4; bounds 4/4/1
SELECT c.chapter, COUNT(DISTINCT v.id) AS people FROM visits v LEFT JOIN icd c ON v.code = c.code GROUP BY c.chapter;

-- targets 2; groups 1; ranks rk_<=4; bounds 8/1/8
SELECT SUM(c.weight) AS burden, AVG(c.weight) AS mean_weight FROM visits v JOIN icd c ON v.code = c.code;

-- targets 1; groups 12; ranks gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 8/8/6
SELECT v.kind, c.chapter, COUNT(*) AS n FROM visits v JOIN icd c USING (code) GROUP BY v.kind, c.chapter ORDER BY v.kind, c.chapter;

-- targets 1; groups 8; ranks rk_<=1 rk_<=4; bounds 8/4/8
SELECT p.male, c.chapter, COUNT(*) AS n FROM persons p JOIN visits v ON p.id = v.id JOIN icd c ON v.code = c.code GROUP BY p.male, c.chapter;

-- targets 1; groups 1; ranks rk_<=4; bounds 8/1/8
SELECT COUNT(*) AS n FROM visits v JOIN icd c ON v.code = c.code WHERE c.chapter = 'digestive' AND c.weight > 4;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE code IN (SELECT code FROM icd WHERE chapter = 'digestive');

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits WHERE code NOT IN (SELECT code FROM icd WHERE chapter = 'digestive');

-- targets 1; groups 1; ranks rk_<=1; bounds 2/1/2
SELECT COUNT(*) AS n FROM persons, (SELECT weight FROM icd WHERE code = 'E66') AS w WHERE bmi > 10 * w.weight;

-- targets 1; groups 1; ranks rk_<=4; bounds 32/1/32
SELECT COUNT(*) AS n FROM visits v JOIN icd c ON v.nights > c.weight;

-- targets 2; groups 1; ranks rk_<=4; bounds 8/1/8
SELECT AVG(v.cost / (c.weight + 1)) AS adjusted FROM visits v JOIN icd c ON v.code = c.code;

-- targets 2; groups 4; ranks rk_<=4; bounds 8/4/8
SELECT c.chapter, AVG(v.nights) AS nights FROM visits v JOIN (SELECT code, chapter FROM icd WHERE weight > 2) AS c ON v.code = c.code GROUP BY c.chapter;

-- targets 1; groups 1; ranks rk_<=4; bounds 8/1/8
SELECT COUNT(*) AS n FROM icd c JOIN visits v ON c.code = v.code;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT COUNT(*) AS n FROM visits v WHERE EXISTS (SELECT 1 FROM icd c WHERE c.code = v.code AND c.weight >= 5);
