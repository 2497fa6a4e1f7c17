-- What each customer of the frame spends in [$as_of, $until), in dollars; mostly nothing.
SELECT
    customer_id,
    coalesce(sum(dollars::DECIMAL(12, 2)) FILTER (date >= $as_of AND date < $until), 0)::DOUBLE AS spend,
FROM transactions
GROUP BY customer_id
HAVING min(date) < $as_of
