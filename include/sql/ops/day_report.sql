-- One row per database: its rows at each stage of a day, and how its checks ended.
-- Marts beyond the source's tables are left out, so that the stages can be compared.
with wanted as (
    select database
    from unnest(json_value_array(@databases)) as database
),

counted as (
    select
        database,
        stage,
        table_name,
        row_count
    from ops.ledger
    where dump_date = cast(@day as date)
),

source_tables as (
    select
        database,
        table_name
    from counted
    where stage = 'dump'
),

stages as (
    select
        counted.database,
        sum(if(counted.stage = 'dump', counted.row_count, null)) as dump_rows,
        sum(if(counted.stage = 'forgotten', counted.row_count, null)) as forgotten_rows,
        sum(if(counted.stage = 'raw', counted.row_count, null)) as raw_rows,
        sum(if(counted.stage = 'quarantine', counted.row_count, null)) as quarantine_rows,
        sum(if(counted.stage = 'marts', counted.row_count, null)) as marts_rows,
        sum(if(counted.stage = 'consolidated', counted.row_count, null)) as consolidated_rows
    from counted
    inner join source_tables
        on counted.database = source_tables.database and counted.table_name = source_tables.table_name
    group by counted.database
),

newest_results as (
    -- All results of a checkpoint have one time: rules that there are no more do not count.
    select
        database,
        status
    from ops.quality_results
    where dump_date = cast(@day as date)
    qualify rank() over (partition by database, layer order by checked_at desc) = 1
),

checks as (
    select
        database,
        countif(status = 'passed') as passed,
        countif(status in ('failed', 'error')) as failed
    from newest_results
    group by database
)

select
    wanted.database,
    stages.dump_rows,
    stages.forgotten_rows,
    stages.raw_rows,
    stages.quarantine_rows,
    stages.marts_rows,
    stages.consolidated_rows,
    checks.passed,
    checks.failed
from wanted
left join stages on wanted.database = stages.database
left join checks on wanted.database = checks.database
