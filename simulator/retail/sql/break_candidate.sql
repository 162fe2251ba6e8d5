select min(product_id) from products where active
