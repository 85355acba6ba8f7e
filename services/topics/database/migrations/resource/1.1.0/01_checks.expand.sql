-- Until 1.0.0 people set how a link is by hand. What they set becomes a check, so that the status follows from one.
insert into link_check (resource_id, url, checked_at, result, note, recorded_at, recorded_by)
select id, url, changed_at, case link_status when 'active' then 'ok' else 'gone' end,
    'Set by hand before there were checks', changed_at, changed_by
from resource
where link_status in ('active', 'failed') and not exists (select from link_check where resource_id = resource.id);
