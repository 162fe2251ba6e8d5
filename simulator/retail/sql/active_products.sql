select product_id, cast(price * 100 as signed) as price_cents
from products
where active
order by product_id
