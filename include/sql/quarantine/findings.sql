-- The rules that rows break, while a run decides what becomes of them. A row may be here with several rules.
create or replace table `$quarantine`.`$findings` (
    table_name string not null,
    rule string not null,
    row_key string not null,
    found_in_round int64 not null,
    decision string
)
