-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS "n" FROM "persons";

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT "male", COUNT(*) AS "n" FROM "persons" GROUP BY "male";

-- targets 2; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT "stage", AVG("bmi") AS "m" FROM "persons" WHERE ("age" > 40.0) GROUP BY "stage";

-- targets 2; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT "male", "n", "s" / "n" AS "mean" FROM (SELECT "male", COUNT(*) AS "n", SUM("age") AS "s" FROM "persons" GROUP BY "male") "q01";

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT "stage", COUNT(*) AS "n" FROM (SELECT "persons".* FROM "persons" WHERE (("bmi" > 25.0) AND "male")) "q01" GROUP BY "stage";

-- targets 2; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT "stage", SUM(CASE WHEN ("smoker") THEN 1.0 WHEN NOT ("smoker") THEN 0.0 END) AS "smokers" FROM "persons" GROUP BY "stage" HAVING (COUNT(*) > 3.0);

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) AS count_1 FROM nafld.persons;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT count(*) AS count_1 FROM nafld.persons WHERE nafld.persons.age >= 50 AND nafld.persons.male IS true;

-- targets 2; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT nafld.persons.stage, avg(nafld.persons.bmi) AS avg_1 FROM nafld.persons GROUP BY nafld.persons.stage ORDER BY nafld.persons.stage;

-- targets 1; groups 9; ranks rk_<=1; bounds 1/1/1
SELECT anon_1.band, count(*) AS n FROM (SELECT nafld.persons.age // 10 * 10 AS band FROM nafld.persons) AS anon_1 GROUP BY anon_1.band;

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT persons.male, sum(CASE WHEN (persons.bmi > 30) THEN 1 ELSE 0 END) AS heavy FROM nafld.persons AS persons GROUP BY persons.male;

-- targets 1; groups 1; ranks none; bounds 1/1/1
SELECT count(DISTINCT labs_1.id) AS n FROM nafld.labs AS labs_1 WHERE labs_1.value IS NOT NULL;

-- targets 2; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT "t1"."male", AVG("t1"."bmi") AS "Mean(bmi)" FROM (SELECT * FROM "nafld"."persons" AS "t0" WHERE "t0"."age" > CAST(40 AS TINYINT)) AS "t1" GROUP BY 1;

-- targets 1; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT * FROM (SELECT "t0"."stage", COUNT(*) AS "n" FROM "nafld"."persons" AS "t0" GROUP BY 1) AS "t1" WHERE "t1"."n" > CAST(5 AS TINYINT) ORDER BY "t1"."n" DESC, "t1"."stage" ASC;

-- targets 1; groups 9; ranks rk_<=1; bounds 1/1/1
SELECT "t1"."band", COUNT(*) AS "n" FROM (SELECT "t0"."age", CAST(FLOOR("t0"."age" / CAST(10 AS TINYINT)) AS BIGINT) AS "band" FROM "nafld"."persons" AS "t0") AS "t1" GROUP BY 1;

-- targets 2; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT SUM(CASE WHEN "t0"."male" THEN 1 ELSE 0 END) AS "men", COUNT("t0"."bmi") AS "with_bmi" FROM "nafld"."persons" AS "t0";

-- targets 1; groups 2; ranks rk_<=1; bounds 1/1/1
SELECT "t0"."male", SUM("t0"."income") FILTER(WHERE "t0"."age" > CAST(50 AS TINYINT)) AS "s" FROM "nafld"."persons" AS "t0" GROUP BY 1;

-- targets 3; groups 4; ranks rk_<=1; bounds 1/1/1
SELECT "t0"."stage" AS "stage", STDDEV_SAMP("t0"."bmi") AS "sd" FROM "nafld"."persons" AS "t0" GROUP BY 1;

-- targets 1; groups 86; ranks rk_<=1; bounds 1/1/1
SELECT EXTRACT(year FROM "t0"."born") AS "y", COUNT(*) AS "n" FROM "nafld"."persons" AS "t0" GROUP BY 1;

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS "n" FROM (SELECT "persons".* FROM "persons" WHERE EXISTS (SELECT 1 FROM "labs" WHERE ("persons"."id" = "labs"."id"))) "q01";

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS "n" FROM (SELECT "persons".* FROM "persons" WHERE NOT EXISTS (SELECT 1 FROM "labs" WHERE ("persons"."id" = "labs"."id"))) "q01";

-- targets 1; groups 2; ranks rk_<=1 rk_<=4; bounds 4/1/4
SELECT "male", COUNT(*) AS "n" FROM (SELECT "LHS".*, "kind" FROM "persons" "LHS" LEFT JOIN "visits" "RHS" ON ("LHS"."id" = "RHS"."id")) "q01" GROUP BY "male";

-- targets 1; groups 7; ranks rk_<=6; bounds 1/1/1
SELECT "n", COUNT(*) AS "people" FROM (SELECT "id", COUNT(*) AS "n" FROM "labs" GROUP BY "id") "q01" GROUP BY "n";

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT AVG("n") AS "m" FROM (SELECT "id", COUNT(*) AS "n" FROM (SELECT "labs".* FROM "labs" WHERE ("value" > 100.0)) "q01" GROUP BY "id") "q02";

-- targets 1; groups 4; ranks rpc_test<=2 rk_<=1; bounds 4/1/4
SELECT p.stage, count(l.value) AS n FROM nafld.persons AS p JOIN nafld.labs AS l ON p.id = l.id WHERE l.test IN ('chol', 'hdl') GROUP BY p.stage;

-- targets 1; groups 1; ranks rk_<=1 rpc_test<=2; bounds 1/1/1
SELECT count(*) AS n FROM nafld.persons WHERE nafld.persons.id IN (SELECT nafld.labs.id FROM nafld.labs WHERE nafld.labs.test = 'chol');

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT count(*) AS n FROM nafld.persons WHERE EXISTS (SELECT * FROM nafld.labs WHERE nafld.labs.id = nafld.persons.id);

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
WITH anon_1 AS (SELECT nafld.labs.id AS id, count(*) AS n FROM nafld.labs GROUP BY nafld.labs.id) SELECT avg(anon_1.n) AS avg_1 FROM anon_1;

-- targets 2; groups 1; ranks rk_<=6; bounds 1/1/1
SELECT AVG("t1"."n") AS "m" FROM (SELECT "t0"."id", COUNT(*) AS "n" FROM "nafld"."labs" AS "t0" GROUP BY 1) AS "t1";

-- targets 1; groups 1; ranks rk_<=1 rk_<=6; bounds 1/1/1
SELECT COUNT(*) AS "n" FROM "nafld"."persons" AS "t0" WHERE "t0"."id" IN (SELECT "t1"."id" FROM "nafld"."labs" AS "t1" WHERE "t1"."value" > CAST(200 AS UTINYINT));

-- targets 2; groups 4; ranks gr_test<=2 rpc_test<=2 rk_<=1; bounds 4/2/2
SELECT "test", AVG("value") AS "v" FROM (SELECT "LHS".*, "male" FROM "labs" AS "LHS" INNER JOIN "persons" AS "RHS" ON ("LHS"."id" = "RHS"."id")) "q01" WHERE ("male") GROUP BY "test";

-- targets 3; groups 4; ranks rk_<=6 rk_<=1; bounds 6/1/6
SELECT "t4"."stage", COUNT(*) AS "n", AVG("t4"."value") AS "v" FROM (SELECT "t2"."id", "t2"."stage", "t3"."value" FROM "nafld"."persons" AS "t2" INNER JOIN "nafld"."labs" AS "t3" ON "t2"."id" = "t3"."id") AS "t4" GROUP BY 1;
