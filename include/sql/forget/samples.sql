-- Samples of rows that broke rules, where one of them names a key of the person: they go, the result stays.
update ops.quality_results
set sample_keys = []
where
    database in (@database, 'consolidated')
    and exists (
        select 1
        from unnest(sample_keys) as sample
        where regexp_contains(concat(table_name, ' ', sample), @named)
    )
