-- The states of records that have been copied already.
select
    id,
    updated_at
from ops.dead_letters
