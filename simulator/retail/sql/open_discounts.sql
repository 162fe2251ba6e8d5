select discount_id, cast(percent * 100 as signed) as percent_hundredths, valid_to is null as endless
from discounts
where valid_from <= %s and (valid_to is null or valid_to >= %s)
order by discount_id
