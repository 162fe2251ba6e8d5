-- How many results of checks name a key of the person in their samples.
select count(*) as row_count
from ops.quality_results
where
    database in (@database, 'consolidated')
    and exists (
        select 1
        from unnest(sample_keys) as sample
        where regexp_contains(concat(table_name, ' ', sample), @named)
    )
