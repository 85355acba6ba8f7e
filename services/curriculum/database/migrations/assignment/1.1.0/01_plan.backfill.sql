-- Until 1.0.0 starting was the only way into now: what is there was planned by whoever started it, at that moment.
update assignment set planned_at = started_at, planned_by = started_by
where state = 'now' and planned_at is null and started_at is not null;
