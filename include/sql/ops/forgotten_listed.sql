-- Every request, and the newest dump that still had rows of it when it was imported: production has not deleted them.
with imported as (
    select
        request_id,
        max(dump_date) as last_seen_in,
        count(distinct dump_date) as dumps_with_rows
    from ops.forget_receipts
    where layer = 'dump' and removed > 0
    group by request_id
),

taken_out as (
    select
        request_id,
        sum(removed) as removed
    from ops.forget_receipts
    where layer <> 'dump'
    group by request_id
)

select
    forgotten.request_id,
    forgotten.app,
    forgotten.subject,
    forgotten.database,
    forgotten.subject_key,
    forgotten.event as state,
    min(forgotten.recorded_at) over (partition by forgotten.request_id) as requested_at,
    forgotten.requested_by,
    forgotten.why,
    coalesce(taken_out.removed, 0) as removed,
    imported.last_seen_in,
    coalesce(imported.dumps_with_rows, 0) as dumps_with_rows
from ops.forgotten
left join taken_out on forgotten.request_id = taken_out.request_id
left join imported on forgotten.request_id = imported.request_id
where true
qualify row_number() over (partition by forgotten.request_id order by forgotten.recorded_at desc) = 1
order by requested_at, forgotten.request_id
