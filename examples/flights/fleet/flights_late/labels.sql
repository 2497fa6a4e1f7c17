-- Did the flight arrive 15 minutes late or more? Cancelled and diverted flights have no answer.
SELECT
    concat_ws(' ', make_date(year, month, day), carrier, flight, origin) AS flight_id,
    arr_delay >= 15 AS late,
FROM flights
WHERE departs_at >= $as_of AND departs_at < $until AND arr_delay IS NOT NULL
