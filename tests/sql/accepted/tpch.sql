-- targets 6; groups 6; ranks gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/4/3
SELECT kind, clinic IS NULL AS flag, SUM(nights) AS sum_qty, SUM(cost) AS sum_base, SUM(cost * (1 - 0.05)) AS sum_disc, AVG(nights) AS avg_qty, AVG(cost) AS avg_price, COUNT(*) AS count_order FROM visits WHERE day <= DATE '2012-09-02' GROUP BY kind, flag ORDER BY kind, flag;

-- targets 1; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT SUM(cost * nights) AS revenue FROM visits WHERE day >= DATE '2011-01-01' AND day < DATE '2012-01-01' AND nights BETWEEN 1 AND 20 AND cost < 5000;

-- targets 2; groups 1; ranks rk_<=4; bounds 4/1/4
SELECT 100.00 * SUM(CASE WHEN code LIKE 'K%' THEN cost * (1 - 0.1) ELSE 0 END) / SUM(cost * (1 - 0.1)) AS promo_revenue FROM visits WHERE day >= DATE '2011-09-01';

-- targets 1; groups 3; ranks gr_kind<=2; bounds 2/2/1
SELECT kind, COUNT(DISTINCT id) AS supplier_cnt FROM visits WHERE code <> 'E66' AND code NOT LIKE 'I2%' AND nights IN (0, 1, 14, 30) GROUP BY kind ORDER BY supplier_cnt DESC, kind;

-- targets 1; groups 1; ranks rpc_kind<=3; bounds 3/1/3
SELECT SUM(cost) / 7.0 AS avg_yearly FROM visits WHERE kind = 'ward' AND nights < 10;

-- targets 1; groups 4; ranks rk_<=1 rk_<=4; bounds 1/1/1
SELECT stage, COUNT(*) AS order_count FROM persons p WHERE born >= DATE '1950-01-01' AND EXISTS (SELECT * FROM visits v WHERE v.id = p.id AND v.day < DATE '2012-01-01') GROUP BY stage ORDER BY stage;

-- targets 2; groups 3; ranks rk_<=1 gr_kind<=2 rk_<=4 rpc_kind<=3; bounds 4/2/3
SELECT v.kind, SUM(CASE WHEN p.stage = 'severe' OR p.stage = 'mild' THEN 1 ELSE 0 END) AS high_line, SUM(CASE WHEN p.stage <> 'severe' AND p.stage <> 'mild' THEN 1 ELSE 0 END) AS low_line FROM persons p, visits v WHERE p.id = v.id GROUP BY v.kind ORDER BY v.kind;

-- targets 1; groups 5; ranks rk_<=1 rk_<=4; bounds 1/1/1
SELECT c_count, COUNT(*) AS custdist FROM (SELECT p.id, COUNT(v.day) AS c_count FROM persons p LEFT OUTER JOIN visits v ON p.id = v.id AND v.kind <> 'er' GROUP BY p.id) AS c_orders GROUP BY c_count ORDER BY custdist DESC, c_count DESC;

-- targets 1; groups 1; ranks rk_<=1 rk_<=4; bounds 4/1/4
SELECT SUM(v.cost) AS revenue FROM visits v, persons p WHERE p.id = v.id AND ((p.stage = 'none' AND v.nights BETWEEN 1 AND 11) OR (p.stage = 'mild' AND v.nights BETWEEN 10 AND 20) OR (p.stage = 'severe' AND v.nights BETWEEN 20 AND 30));

-- targets 2; groups 4; ranks rk_<=1 rk_<=4; bounds 1/1/1
SELECT cntry, COUNT(*) AS numcust, SUM(income) AS totacctbal FROM (SELECT substring(stage, 1, 2) AS cntry, income FROM persons p WHERE NOT EXISTS (SELECT * FROM visits v WHERE v.id = p.id)) AS custsale GROUP BY cntry ORDER BY cntry;

-- targets 1; groups 4; ranks rk_<=1 rk_<=4; bounds 8/4/8
SELECT c.chapter, SUM(v.cost) AS revenue FROM persons p, visits v, icd c WHERE p.id = v.id AND v.code = c.code AND p.age > 30 GROUP BY c.chapter ORDER BY c.chapter;

-- targets 2; groups 3; ranks rk_<=4; bounds 8/3/8
SELECT year(v.day) AS y, SUM(CASE WHEN c.chapter = 'digestive' THEN v.cost ELSE 0 END) / NULLIF(SUM(v.cost), 0) AS share FROM visits v JOIN icd c ON v.code = c.code GROUP BY y ORDER BY y;

-- targets 1; groups 12; ranks rk_<=1 rk_<=4; bounds 4/3/4
SELECT nation, o_year, SUM(amount) AS sum_profit FROM (SELECT p.stage AS nation, year(v.day) AS o_year, v.cost * (1 - 0.1) - v.nights * 10 AS amount FROM persons p, visits v WHERE p.id = v.id) AS profit GROUP BY nation, o_year ORDER BY nation, o_year DESC;
