-- By database, the newest day that has landed; and one row of what readers of `consolidated` see.
-- Without parameters and times: while nothing changes, BigQuery answers from its cache, which costs nothing.
with newest as (
    select
        database,
        dump_date,
        state
    from ops.runs
    where true
    qualify row_number() over (partition by database, dump_date order by recorded_at desc) = 1
),

landed as (
    select
        database,
        max(dump_date) as day
    from newest
    where state = 'landed'
    group by database
),

publications as (
    select
        day,
        as_of,
        max(day) over () as newest_day,
        row_number() over (order by published_at desc) as place
    from ops.published
)

select
    database,
    day,
    cast(null as string) as as_of,
    day as newest_day
from landed
union all
select
    cast(null as string) as database,
    day,
    as_of,
    newest_day
from publications
where place = 1
