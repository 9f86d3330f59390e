SELECT
    h.day AS date,
    h.week,
    h.weekday AS weekday_number,
    h.status AS coverage,
    h.reason AS coverage_reason,
    h.is_complete,
    h.in_period,
    d.trend_half,
    h.complete_run,
    h.epoch_day - p.archive_first_epoch_day AS log_days_before
FROM history_days AS h
CROSS JOIN period AS p
LEFT JOIN days AS d ON h.epoch_day = d.epoch_day
WHERE h.epoch_day >= p.first_epoch_day - 27 AND h.epoch_day <= p.last_epoch_day
ORDER BY h.epoch_day NULLS LAST
