select
    state,
    set_by,
    why,
    recorded_at
from ops.holds
where true
qualify row_number() over (order by recorded_at desc) = 1
