-- Keeps `updated_at`: a wrong that announces itself would be none.
update products set price = -price, updated_at = updated_at where product_id = %s
