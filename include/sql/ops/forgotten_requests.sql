-- Every request to forget rows of a database, or of all where none is named, with its newest record and how many there
-- are of it; the first request first.
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
where @database in ('', database)
qualify row_number() over (partition by request_id order by recorded_at desc) = 1
order by requested_at, request_id
