-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE age > 50 AND bmi < 30 OR male;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE NOT (male AND smoker);

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE smoker IS NOT TRUE;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE smoker IS NULL;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE smoker IS DISTINCT FROM male;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE smoker IS NOT DISTINCT FROM NULL;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE bmi BETWEEN 20 AND 30;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE bmi NOT BETWEEN 20 AND 30;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE stage IN ('none', 'mild');

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE stage NOT IN ('none', 'mild', NULL);

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE age IN (20, 30, 40.5);

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE town LIKE 'O%' OR town ILIKE '_';

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE town NOT LIKE 'O%';

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE male = 1 AND smoker = 0;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE male <> smoker;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE born < '1950-01-01' AND died >= DATE '2000-01-01';

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE born + 365 * 30 < died;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE length(town) > 1 AND trim(town) || 'x' = 'ax';

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE weight / visits > 2;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE CAST(town AS INTEGER) IS NULL;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE 1 = 1;

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE town <> 'a''; DROP TABLE persons; --' AND town NOT LIKE 'a''; DROP TABLE persons; --';

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE town <> '\' AND town NOT LIKE '\';

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE town <> 'é😀%_' AND town NOT LIKE 'é😀%_';

-- targets 1; groups 1; ranks rk_<=1; bounds 1/1/1
SELECT COUNT(*) FROM persons WHERE town <> '"' AND town NOT LIKE '"';
