-- Every request to forget with its newest record, the first request first, and how many records there are of it.
select
    request_id,
    app,
    subject,
    database,
    subject_key,
    event,
    requested_by,
    why,
    recorded_at,
    min(recorded_at) over (partition by request_id) as requested_at,
    count(*) over (partition by request_id) as records
from ops.forgotten
where true
qualify row_number() over (partition by request_id order by recorded_at desc) = 1
order by requested_at, request_id
