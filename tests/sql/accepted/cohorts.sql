-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE id IN (SELECT id FROM labs);

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE id NOT IN (SELECT id FROM labs);

-- targets 1; groups 1; ranks rk_<=1 rpc_test<=2; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE id IN (SELECT id FROM labs WHERE test = 'chol' AND value > 200);

-- targets 1; groups 4; ranks rk_<=1 rpc_kind<=3; bounds 1/1/1
SELECT stage, COUNT(*) AS n FROM persons WHERE id IN (SELECT id FROM visits WHERE kind = 'er') GROUP BY stage;

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons p WHERE EXISTS (SELECT 1 FROM labs l WHERE l.id = p.id);

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons p WHERE NOT EXISTS (SELECT 1 FROM labs l WHERE l.id = p.id AND l.value > 100);

-- targets 2; groups 1; ranks rk_<=1 rk_<=4 rpc_test<=2; bounds 1/1/1
SELECT AVG(bmi) AS bmi FROM persons p WHERE EXISTS (SELECT * FROM visits v WHERE v.id = p.id AND v.nights > 0) AND NOT EXISTS (SELECT * FROM labs l WHERE p.id = l.id AND l.test = 'fib4');

-- targets 2; groups 4; ranks gr_test<=2 rpc_test<=2 rk_<=1; bounds 4/2/2
SELECT test, AVG(value) AS v FROM labs WHERE id IN (SELECT id FROM persons WHERE stage = 'severe') GROUP BY test;

-- targets 2; groups 4; ranks gr_test<=2 rpc_test<=2 rk_<=1; bounds 4/2/2
SELECT test, AVG(value) AS v FROM labs l WHERE EXISTS (SELECT 1 FROM persons p WHERE p.id = l.id AND p.smoker) GROUP BY test;

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE id IN (SELECT id FROM labs GROUP BY id HAVING COUNT(*) >= 3);

-- targets 1; groups 1; ranks rk_<=1 rk_<=6 rk_<=4; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE id IN (SELECT id FROM labs) OR id IN (SELECT id FROM visits);

-- targets 1; groups 2; ranks rk_<=6 rk_<=1; bounds 1/1/1
SELECT id IN (SELECT id FROM labs) AS measured, COUNT(*) AS n FROM persons GROUP BY measured;

-- targets 2; groups 1; ranks rpc_kind<=3 rpc_kind<=3 rk_<=1; bounds 1/1/1
SELECT COUNT(*) FILTER (WHERE id IN (SELECT id FROM visits WHERE kind = 'ward')) AS admitted, COUNT(*) AS n FROM persons;

-- targets 1; groups 1; ranks rk_<=1 rk_<=6 rk_<=4; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons WHERE id IN (SELECT id FROM labs WHERE id IN (SELECT id FROM visits WHERE nights > 5));

-- targets 3; groups 2; ranks rk_<=1 rpc_test<=2 rpc_test<=2; bounds 1/1/1
SELECT male, AVG(bmi) AS bmi, COUNT(*) AS n FROM persons WHERE id IN (SELECT id FROM labs WHERE test = 'chol') AND id IN (SELECT id FROM labs WHERE test = 'hdl') GROUP BY male;

-- targets 2; groups 2; ranks rk_<=4 rk_<=1; bounds 1/1/1
SELECT CASE WHEN id IN (SELECT id FROM visits) THEN 'seen' ELSE 'unseen' END AS seen, AVG(age) AS age FROM persons GROUP BY seen;

-- targets 1; groups 1; ranks rk_<=1 rk_<=4; bounds 1/1/1
SELECT COUNT(*) AS n FROM persons p WHERE p.id IN (SELECT v.id FROM visits v JOIN icd c ON v.code = c.code WHERE c.chapter = 'digestive');
