update discounts set valid_to = %s where discount_id = %s
