-- The rows of one table that break rules and were not found before, with what people decided about them.
insert into `$quarantine`.`$findings` (table_name, rule, row_key, found_in_round, decision)
with broken as (
    select
        rule,
        row_key
    from $broken
),

decided as (
    select
        rule,
        row_key,
        decision
    from ops.quarantine_decisions
    where database = @database and table_name = '$table'
    qualify row_number() over (partition by rule, row_key order by decided_at desc) = 1
),

known as (
    select
        rule,
        row_key
    from `$quarantine`.`$findings`
    where table_name = '$table'
)

select distinct
    '$table' as table_name,
    broken.rule,
    broken.row_key,
    cast(@round as int64) as found_in_round,
    decided.decision
from broken
left join decided on broken.rule = decided.rule and broken.row_key = decided.row_key
left join known on broken.rule = known.rule and broken.row_key = known.row_key
where known.row_key is null
