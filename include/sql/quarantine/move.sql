insert into `$quarantine`.`$table` ($columns, _rule, _run_id, _dump_date, _loaded_at, _quarantined_at)
with bad as (
    select
        row_key,
        array_agg(distinct rule order by rule) as rules
    from `$quarantine`.`$findings`
    where table_name = '$table' and coalesce(decision, '') <> 'release'
    group by row_key
)

select
    $row_columns, -- noqa: RF02
    bad.rules,
    load.run_id,
    load.dump_date,
    load.loaded_at,
    current_timestamp()
from `$raw`.`$table` as item -- noqa: AL05
inner join bad on $row_key = bad.row_key -- noqa: RF02
cross join `$raw`.`$marker` as load;
delete from `$raw`.`$table`
where $row_key_alone in (
        select row_key
        from `$quarantine`.`$findings`
        where table_name = '$table' and coalesce(decision, '') <> 'release'
    );
