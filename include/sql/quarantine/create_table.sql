create table if not exists `$quarantine`.`$table`
partition by _dump_date
as
select
    *, -- noqa: AM04
    cast(null as array<string>) as _rule,
    cast(null as string) as _run_id,
    cast(null as date) as _dump_date,
    cast(null as timestamp) as _loaded_at,
    cast(null as timestamp) as _quarantined_at
from `$raw`.`$table`
where false
