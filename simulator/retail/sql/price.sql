update products set price = %s, updated_at = %s where product_id = %s
