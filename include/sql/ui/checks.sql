-- The rules of a database and day as they ended last: those that failed first.
with newest as (
    select
        layer,
        table_name,
        column_name,
        rule,
        status,
        unexpected_count,
        element_count,
        message,
        checked_at
    from ops.quality_results
    where database = @database and dump_date = cast(@day as date)
    qualify rank() over (partition by layer order by checked_at desc) = 1
)

select
    layer,
    table_name,
    column_name,
    rule,
    status,
    unexpected_count,
    element_count,
    message,
    checked_at
from newest
order by
    case status when 'failed' then 0 when 'error' then 1 when 'skipped' then 2 else 3 end,
    layer,
    table_name,
    rule
limit 1000
