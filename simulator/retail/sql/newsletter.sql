update customers set newsletter = not newsletter, updated_at = %s where customer_id = %s
