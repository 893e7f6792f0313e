-- targets 2; groups 1; ranks rpc_test<=2; bounds 1/1/1
SELECT AVG(v) AS first_value FROM (SELECT id, ARG_MIN(value, day) AS v FROM labs WHERE test = 'chol' GROUP BY id) AS t;

-- targets 2; groups 1; ranks rpc_test<=2; bounds 1/1/1
SELECT AVG(v) AS last_value FROM (SELECT id, ARG_MAX(value, day) AS v FROM labs WHERE test = 'chol' GROUP BY id) AS t;

-- targets 2; groups 2; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT p.male, AVG(t.b - t.a) AS change FROM persons p JOIN (SELECT id, ARG_MIN(value, day) AS a, ARG_MAX(value, day) AS b FROM labs GROUP BY id) AS t ON p.id = t.id GROUP BY p.male;

-- targets 1; groups 9; ranks rk_<=6; bounds 1/1/1
SELECT g, COUNT(*) AS n FROM (SELECT id, ARG_MAX(grade, day) AS g FROM labs GROUP BY id) AS t GROUP BY g;

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT AVG(v) AS first_value FROM (SELECT id, FIRST(value ORDER BY day) AS v FROM labs GROUP BY id) AS t;

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT AVG(v) AS last_value FROM (SELECT id, LAST(value ORDER BY day) AS v FROM labs GROUP BY id) AS t;
