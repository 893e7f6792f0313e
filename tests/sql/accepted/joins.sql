-- targets 1; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT COUNT(*) AS n FROM persons JOIN labs ON persons.id = labs.id;

-- targets 1; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT COUNT(*) AS n FROM persons p INNER JOIN labs l ON p.id = l.id WHERE p.male;

-- targets 1; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT COUNT(*) AS n FROM persons JOIN labs USING (id);

-- targets 1; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT COUNT(*) AS n FROM persons p, labs l WHERE p.id = l.id;

-- targets 1; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT COUNT(*) AS n FROM persons p, labs l WHERE l.id = p.id AND p.male AND l.value > 100;

-- targets 1; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT COUNT(*) AS n FROM persons p CROSS JOIN labs l WHERE p.id = l.id;

-- targets 2; groups 2; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT p.male, AVG(l.value) AS v FROM persons p JOIN labs l ON l.id = p.id GROUP BY p.male;

-- targets 3; groups 16; ranks gr_test<=2 rpc_test<=2 rk_<=1; bounds 4/2/2
SELECT p.stage, l.test, COUNT(*) AS n, AVG(l.value) AS v FROM persons p JOIN labs l ON p.id = l.id GROUP BY p.stage, l.test ORDER BY p.stage, l.test;

-- targets 1; groups 4; ranks gr_test<=2 rk_<=1; bounds 2/2/1
SELECT l.test, COUNT(DISTINCT p.id) AS people FROM persons AS p JOIN labs AS l ON p.id = l.id AND l.value > 150 GROUP BY l.test;

-- targets 2; groups 1; ranks rk_<=1 rk_<=6; bounds 6/1/6
SELECT COUNT(*) AS n, COUNT(l.value) AS with_value FROM persons p LEFT JOIN labs l ON p.id = l.id;

-- targets 2; groups 1; ranks rk_<=1 rpc_test<=2; bounds 2/1/2
SELECT COUNT(*) AS n, SUM(l.value) AS s FROM persons p LEFT JOIN labs l ON p.id = l.id AND l.test = 'chol';

-- targets 2; groups 2; ranks rk_<=1 rk_<=6; bounds 6/1/6
SELECT p.male, COUNT(*) AS n, COUNT(l.test) AS labs FROM persons p LEFT OUTER JOIN labs l ON p.id = l.id GROUP BY p.male;

-- targets 1; groups 5; ranks rk_<=1 gr_test<=2 rpc_test<=2; bounds 4/2/2
SELECT l.test, COUNT(*) AS n FROM persons p LEFT JOIN labs l ON p.id = l.id GROUP BY l.test;

-- targets 1; groups 1; ranks none; bounds 1/1/1
SELECT COUNT(DISTINCT p.id) AS never FROM persons p LEFT JOIN labs l ON p.id = l.id WHERE l.id IS NULL;

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 6/1/6
SELECT COUNT(*) AS never FROM persons p LEFT JOIN labs l USING (id) WHERE l.test IS NULL;

-- targets 1; groups 1; ranks rk_<=6 rk_<=6; bounds 36/1/36
SELECT COUNT(*) AS pairs FROM labs a JOIN labs b ON a.id = b.id;

-- targets 1; groups 1; ranks rk_<=6 rk_<=6; bounds 36/1/36
SELECT COUNT(*) AS pairs FROM labs a JOIN labs b ON a.id = b.id AND a.day < b.day;

-- targets 2; groups 1; ranks rpc_test<=2 rpc_test<=2; bounds 4/1/4
SELECT AVG(b.value - a.value) AS change FROM labs a JOIN labs b ON a.id = b.id WHERE a.test = 'chol' AND b.test = 'hdl';

-- targets 1; groups 16; ranks gr_test<=2 rpc_test<=2 gr_test<=2 rpc_test<=2; bounds 16/4/8
SELECT a.test, b.test AS other, COUNT(*) AS n FROM labs a JOIN labs b USING (id) WHERE a.test < b.test GROUP BY a.test, b.test;

-- targets 1; groups 1; ranks rk_<=6 rk_<=4; bounds 24/1/24
SELECT COUNT(*) AS n FROM labs l JOIN visits v ON l.id = v.id WHERE datediff('day', v.day, l.day) BETWEEN 0 AND 90;

-- targets 2; groups 3; ranks rk_<=6 gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 24/2/18
SELECT v.kind, AVG(l.value) AS v FROM labs l JOIN visits v ON l.id = v.id AND v.day <= l.day GROUP BY v.kind;

-- targets 2; groups 12; ranks rk_<=1 gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/2/3
SELECT p.stage, v.kind, COUNT(*) AS n, SUM(v.cost) AS cost FROM persons p JOIN visits v ON p.id = v.id GROUP BY p.stage, v.kind;

-- targets 1; groups 1; ranks rk_<=6 rk_<=1 rk_<=4; bounds 24/1/24
SELECT COUNT(*) AS n FROM persons p JOIN labs l ON p.id = l.id JOIN visits v ON p.id = v.id;

-- targets 1; groups 2; ranks rpc_test<=2 rk_<=1 rpc_kind<=3; bounds 6/1/6
SELECT p.male, COUNT(*) AS n FROM persons p JOIN labs l ON p.id = l.id JOIN visits v ON l.id = v.id WHERE l.test = 'chol' AND v.kind = 'er' GROUP BY p.male;

-- targets 1; groups 1; ranks rk_<=1 rk_<=6 rk_<=4; bounds 24/1/24
SELECT COUNT(*) AS n FROM persons p LEFT JOIN labs l ON p.id = l.id LEFT JOIN visits v ON p.id = v.id;

-- targets 1; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT COUNT(*) AS n FROM labs l LEFT JOIN persons p ON l.id = p.id WHERE p.age IS NULL;

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 6/1/6
SELECT COUNT(*) AS n FROM labs l RIGHT JOIN persons p ON l.id = p.id;

-- targets 3; groups private; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT p.town, COUNT(*) AS n, AVG(l.value) AS v FROM persons p JOIN labs l ON p.id = l.id GROUP BY p.town;

-- targets 1; groups private; ranks gr_site<=2 rpc_site<=2 rk_<=1; bounds 4/2/2
SELECT l.site, p.male, COUNT(*) AS n FROM persons p JOIN labs l ON p.id = l.id GROUP BY l.site, p.male;

-- targets 2; groups 20; ranks gr_test<=2 rpc_test<=2 rk_<=1; bounds 4/2/2
SELECT floor(p.age / 20) * 20 AS band, l.test, AVG(l.value) AS v FROM persons p JOIN labs l ON p.id = l.id GROUP BY band, l.test;

-- targets 2; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT AVG(l.value / p.age) AS ratio FROM persons p JOIN labs l ON p.id = l.id;

-- targets 2; groups 1; ranks rk_<=1 rk_<=4; bounds 4/1/4
SELECT SUM(CASE WHEN p.smoker THEN v.cost ELSE 0 END) AS smokers, SUM(v.cost) AS everyone FROM persons p JOIN visits v USING (id);

-- targets 1; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT COUNT(*) AS n FROM persons p JOIN labs l ON p.id = l.id WHERE year(l.day) - year(p.born) > 60;

-- targets 1; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT COUNT(*) FROM nafld.persons AS p JOIN nafld.labs AS l ON (p.id = l.id);

-- targets 1; groups 1; ranks rpc_test<=2 rk_<=1; bounds 2/1/2
SELECT COUNT(*) AS n FROM (SELECT id, age FROM persons WHERE male) AS p JOIN (SELECT id, value FROM labs WHERE test = 'chol') AS l ON p.id = l.id WHERE l.value > p.age;

-- targets 1; groups 1; ranks rk_<=1 rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons p JOIN persons q ON p.id = q.id WHERE p.age > 50;

-- targets 1; groups 8; ranks gr_test<=2 rk_<=1; bounds 2/2/1
SELECT p.male, l.test, COUNT(DISTINCT l.id) AS people FROM persons p JOIN labs l ON p.id = l.id GROUP BY p.male, l.test HAVING COUNT(DISTINCT l.id) > 1;

-- targets 2; groups 1; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT AVG(x) AS v FROM (SELECT l.value - p.bmi AS x FROM persons p JOIN labs l ON p.id = l.id) AS t;

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons p SEMI JOIN labs l ON p.id = l.id;

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons p ANTI JOIN labs l ON p.id = l.id;

-- targets 1; groups private; ranks rk_<=6 gr_site<=2 rpc_site<=2; bounds 24/3/12
SELECT b.site AS place, SUM(b.grade) AS grades FROM labs AS a LEFT JOIN labs AS b ON a.id = b.id AND year(a.day) <= 2011 GROUP BY place;

-- targets 1; groups 2; ranks rk_<=6 rk_<=4; bounds 24/3/24
SELECT v.id IS NULL AS none, COUNT(*) AS n FROM labs l LEFT JOIN visits v ON v.id = l.id AND v.day < l.day GROUP BY none;

-- targets 1; groups 4; ranks rk_<=6 rk_<=4; bounds 48/4/48
SELECT c.chapter, COUNT(*) AS n FROM labs l LEFT JOIN visits v ON v.id = l.id AND v.day < l.day JOIN icd c ON c.code = CASE WHEN v.id IS NULL THEN 'E11' ELSE 'I10' END GROUP BY c.chapter;

-- targets 1; groups 2; ranks rk_<=1 rk_<=6; bounds 6/2/6
SELECT l.id IS NULL AS none, COUNT(*) AS n FROM persons p LEFT JOIN labs l ON p.id = l.id GROUP BY none;

-- targets 1; groups 2; ranks rk_<=6 rk_<=4; bounds 4/1/4
SELECT id IN (SELECT id FROM labs WHERE value > 3) AS high, COUNT(*) FROM visits GROUP BY high;
