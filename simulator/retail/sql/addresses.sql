select address_id, customer_id
from addresses
order by address_id
