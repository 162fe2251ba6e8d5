-- The rows of one table that break a rule and that a person has released, by rule.
with keyed as (
    select $row_key as row_key -- noqa: AL09
    from `$raw`.`$table`
)

select
    released.table_name,
    released.rule,
    count(*) as row_count
from keyed
inner join `$quarantine`.`$findings` as released on keyed.row_key = released.row_key
where released.table_name = '$table' and released.decision = 'release'
group by released.table_name, released.rule
