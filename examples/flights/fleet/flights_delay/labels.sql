-- By how many minutes did the flight arrive late? Negative: early. Cancelled and diverted flights have no answer.
SELECT
    concat_ws(' ', make_date(year, month, day), carrier, flight, origin) AS flight_id,
    arr_delay AS delay_minutes,
FROM flights
WHERE departs_at >= $as_of AND departs_at < $until AND arr_delay IS NOT NULL
