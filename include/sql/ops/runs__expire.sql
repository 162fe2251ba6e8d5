-- Removes old records of runs, but those of the two newest landed days of a database, however old: they say what
-- guards compare with, and which day of a database that is late stays in `consolidated`.
delete from ops.runs
where
    recorded_at < timestamp_sub(current_timestamp(), interval cast(@days as int64) day)
    and not exists (
        select 1
        from (
            select
                database,
                dump_date
            from ops.landings
            where true
            qualify row_number() over (partition by database order by dump_date desc) <= 2
        ) as spared
        where spared.database = runs.database and spared.dump_date = runs.dump_date
    )
