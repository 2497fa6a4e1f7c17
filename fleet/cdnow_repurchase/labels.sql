-- Every customer of the frame, and whether they bought in [$as_of, $until).
SELECT
    customer_id,
    count(*) FILTER (date >= $as_of AND date < $until) > 0 AS repurchased,
FROM transactions
GROUP BY customer_id
HAVING min(date) < $as_of
