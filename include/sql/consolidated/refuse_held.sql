-- The first step of a publish's transaction: ends it where a person has put publishing on hold.
-- Not by `assert`, which the emulator does not know.
select if(
    (
        select state
        from ops.holds
        where true
        qualify row_number() over (order by recorded_at desc) = 1
    ) = 'held',
    error('$refusal'),
    0
);
