update orders set status = %s, updated_at = %s where order_id in %s
