-- One row for each flight that is to leave New York in [$as_of, $next): its schedule, its plane, and
-- the weather at the hour in which it is to leave. Nothing of how the flight went.
SELECT
    concat_ws(' ', make_date(flight.year, flight.month, flight.day), flight.carrier, flight.flight, flight.origin)
        AS flight_id,
    flight.departs_at,
    -- schedule, by the clocks of the airports
    flight.month,
    isodow(make_date(flight.year, flight.month, flight.day)) AS day_of_week,
    flight.hour * 60 + flight.minute AS departure_minute,
    flight.sched_arr_time // 100 * 60 + flight.sched_arr_time % 100 AS arrival_minute,
    flight.carrier,
    flight.origin,
    flight.dest,
    flight.distance,
    -- plane
    plane.year AS plane_year,
    plane.manufacturer,
    plane.model,
    plane.seats,
    plane.engine,
    -- weather at the origin
    weather.temp,
    weather.dewp,
    weather.humid,
    weather.wind_dir,
    weather.wind_speed,
    weather.precip,
    weather.pressure,
    weather.visib,
FROM flights AS flight
LEFT JOIN planes AS plane USING (tailnum)
LEFT JOIN weather ON weather.origin = flight.origin AND weather.hour_at = flight.hour_at
WHERE flight.departs_at >= $as_of AND flight.departs_at < $next
ORDER BY flight_id
