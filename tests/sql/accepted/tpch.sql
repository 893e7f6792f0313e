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
