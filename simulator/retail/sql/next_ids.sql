select
  (select cast(coalesce(max(customer_id), 0) + 1 as signed) from customers),
  (select cast(coalesce(max(address_id), 0) + 1 as signed) from addresses),
  (select cast(coalesce(max(product_id), 0) + 1 as signed) from products),
  (select cast(coalesce(max(discount_id), 0) + 1 as signed) from discounts),
  (select cast(coalesce(max(order_id), 0) + 1 as signed) from orders),
  (select cast(coalesce(max(payment_id), 0) + 1 as signed) from payments)
