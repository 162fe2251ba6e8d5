-- By version, when readers began to see it last; the newest first, which is the live one.
select
    version,
    run_id,
    day,
    as_of,
    tables,
    row_count,
    kind,
    published_by,
    why,
    published_at
from ops.published
where true
qualify row_number() over (partition by version order by published_at desc) = 1
order by published_at desc
