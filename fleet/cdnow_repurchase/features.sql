-- One row a customer: recency, frequency and money as known before $as_of.
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
    -- frequency
    count(*) AS orders,
    count(*) FILTER (days_ago <= 7) AS orders_7d,
    count(*) FILTER (days_ago <= 28) AS orders_28d,
    count(*) FILTER (days_ago <= 90) AS orders_90d,
    -- recency
    min(days_ago) AS days_since_last,
    max(days_ago) AS days_since_first,
    -- habit: days between orders; null for who bought once
    sum(gap) / nullif(count(gap), 0) AS gap_mean,
    sqrt(nullif(count(gap) * sum(gap * gap) - sum(gap) * sum(gap), 0)) / nullif(count(gap), 0) AS gap_deviation,
    min(days_ago) * nullif(count(gap), 0) / nullif(sum(gap), 0) AS gaps_since_last,
    -- money
    sum(dollars)::DOUBLE AS dollars,
    coalesce(sum(dollars) FILTER (days_ago <= 90), 0)::DOUBLE AS dollars_90d,
    sum(dollars)::DOUBLE / count(*) AS dollars_mean,
    arg_max(dollars, nth)::DOUBLE AS dollars_last,
    sum(cds) AS cds,
    arg_max(cds, nth) AS cds_last,
    -- cohort
    dayofyear(min(date)) AS first_day_of_year,
FROM purchase
GROUP BY customer_id
ORDER BY customer_id
