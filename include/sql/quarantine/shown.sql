-- The rows of one table that were set aside on a day, with their rules and what was decided; by default the newest day.
with aside as (
    select
        *,
        $row_key as row_key -- noqa: AL09
    from `$quarantine`.`$table`
    where _dump_date = coalesce(
            cast(nullif(@day, '') as date),
            (select max(newest._dump_date) from `$quarantine`.`$table` as newest)
        )
),

decided as (
    select
        rule,
        row_key,
        decision,
        decided_by,
        why
    from ops.quarantine_decisions
    where database = @database and table_name = '$table'
    qualify row_number() over (partition by rule, row_key order by decided_at desc) = 1
)

select
    aside._dump_date as dump_date,
    aside.row_key,
    broken_rule as rule,
    decided.decision,
    decided.decided_by,
    decided.why,
    $more -- noqa: RF02
from aside
cross join unnest(aside._rule) as broken_rule
left join decided on broken_rule = decided.rule and aside.row_key = decided.row_key
order by aside.row_key, broken_rule
