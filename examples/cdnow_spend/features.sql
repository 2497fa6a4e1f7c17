-- One row a customer who has bought before $as_of: recency, frequency and money as known then.
-- Sums are over DECIMAL, so that they are the same in whatever order rows are added.
WITH purchase AS (
    SELECT
        customer_id,
        date,
        cds,
        dollars::DECIMAL(12, 2) AS dollars,
        date_diff('day', date, $as_of::DATE) AS days_ago,
        date_diff('day', lag(date) OVER past, date) AS gap,
        row_number() OVER past AS nth,
    FROM transactions
    WHERE date < $as_of
    WINDOW past AS (PARTITION BY customer_id ORDER BY date, dollars, cds)
)

SELECT
    customer_id,
    -- recency
    min(days_ago) AS days_since_last,
    max(days_ago) AS days_since_first,
    -- frequency
    count(*) AS orders,
    count(*) FILTER (days_ago <= 7) AS orders_7d,
    count(*) FILTER (days_ago <= 28) AS orders_28d,
    count(*) FILTER (days_ago <= 90) AS orders_90d,
    -- money
    sum(dollars)::DOUBLE AS dollars,
    sum(dollars)::DOUBLE / count(*) AS dollars_mean,
    arg_max(dollars, nth)::DOUBLE AS dollars_last,
    sum(cds)::INTEGER AS cds,
    sum(cds)::DOUBLE / count(*) AS cds_mean,
    -- habit: days between orders; null for who bought once
    sum(gap)::DOUBLE / nullif(count(gap), 0) AS gap_mean,
    sqrt(nullif(count(gap) * sum(gap * gap) - sum(gap) * sum(gap), 0)) / nullif(count(gap), 0) AS gap_deviation,
    -- cohort
    dayofyear(min(date)) AS first_day_of_year,
FROM purchase
GROUP BY customer_id
ORDER BY customer_id
