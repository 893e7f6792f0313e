-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT AVG(b) AS m FROM (SELECT bmi AS b FROM (SELECT bmi, age FROM (SELECT * FROM persons) AS x WHERE age > 30) AS y) AS z;
