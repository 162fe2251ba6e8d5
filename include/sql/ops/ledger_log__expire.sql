-- Removes old counts, but those of the two newest landed days of a database, however old: guards compare with them, and
-- a database that is late stays in `consolidated` by them.
delete from ops.ledger_log
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
        where spared.database = ledger_log.database and spared.dump_date = ledger_log.dump_date
    )
