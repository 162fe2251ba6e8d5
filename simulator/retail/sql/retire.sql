update products set active = 0, updated_at = %s where product_id = %s
