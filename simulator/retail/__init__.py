"""An e-commerce shop, simulated day by day: a pure generator (`day`) and its store in MySQL (`store`)."""
