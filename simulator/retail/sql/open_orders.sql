-- Orders that can still change on a day: not final, and young enough; the parameter is the first order time that counts.
select
  o.order_id,
  o.status,
  date(o.ordered_at) as ordered_on,
  cast(sum(i.quantity * i.unit_price - i.discount_amount) * 100 as signed) as total_cents,
  coalesce((select max(p.method) from payments as p where p.order_id = o.order_id), '') as method
from orders as o
join order_items as i on i.order_id = o.order_id
where o.ordered_at >= %s and o.status in ('placed', 'paid', 'shipped')
group by o.order_id, o.status, o.ordered_at
order by o.order_id
