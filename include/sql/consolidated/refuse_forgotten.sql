-- A step of the transaction: ends it where somebody was asked to be forgotten since it was prepared.
select if((select count(*) from ops.forgotten) <> $records, error('$refusal'), 0);
