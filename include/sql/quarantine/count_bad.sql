-- The rows of one table, those of them that were found and not released, and those of these that are dropped.
with keyed as (
    select $row_key as row_key -- noqa: AL09
    from `$raw`.`$table`
),

bad as (
    select
        row_key,
        logical_or(coalesce(decision, '') = 'drop') as dropped
    from `$quarantine`.`$findings`
    where table_name = '$table' and coalesce(decision, '') <> 'release'
    group by row_key
)

select
    '$table' as table_name,
    count(*) as row_count,
    countif(bad.row_key is not null) as bad,
    countif(bad.dropped) as dropped
from keyed
left join bad on keyed.row_key = bad.row_key
