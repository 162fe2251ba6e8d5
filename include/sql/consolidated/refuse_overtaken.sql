-- A step of the transaction: ends it where another version is live than the one that it was made for. Its own may be,
-- by a try that was killed.
select if(
    coalesce(
        (
            select version
            from ops.published
            order by published_at desc
            limit 1
        ),
        ''
    ) not in ('$live', '$version'),
    error('$refusal'),
    0
);
