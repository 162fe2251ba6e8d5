-- Which dump a raw dataset holds: removed before each sync, written after it, checked before each build.
create or replace table `$dataset`.`$table` as
select
    @database as database,
    cast(@dump_date as date) as dump_date,
    @run_id as run_id,
    @dump_uri as dump_uri,
    cast(@dump_generation as int64) as dump_generation,
    current_timestamp() as loaded_at
