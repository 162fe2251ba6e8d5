-- The last step of the transaction: what it publishes. Nothing where a killed try of a publish had got as far.
insert into ops.published (
    version,
    run_id,
    day,
    as_of,
    tables,
    row_count,
    kind,
    published_by,
    why,
    published_at
)
select
    version,
    run_id,
    day,
    as_of,
    tables,
    row_count,
    kind,
    published_by,
    why,
    current_timestamp()
from `$source`.`$publication`
where
    kind <> 'publish' or version is distinct from (
        select published.version
        from ops.published
        order by published.published_at desc
        limit 1
    );
