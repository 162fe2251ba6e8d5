create table if not exists customers (
  customer_id int unsigned not null auto_increment,
  first_name varchar(64) not null,
  last_name varchar(64) not null,
  email varchar(255) not null,
  newsletter tinyint(1) not null,
  created_at datetime not null,
  updated_at timestamp not null default current_timestamp() on update current_timestamp(),
  primary key (customer_id),
  unique key customers_email (email)
) engine = InnoDB;
create table if not exists addresses (
  address_id int unsigned not null auto_increment,
  customer_id int unsigned not null,
  street varchar(128) not null,
  postal_code varchar(16) not null,
  city varchar(64) not null,
  state varchar(64) null,
  country char(2) not null,
  created_at datetime not null,
  primary key (address_id),
  key addresses_customer (customer_id),
  constraint addresses_customer foreign key (customer_id) references customers (customer_id)
) engine = InnoDB;
create table if not exists products (
  product_id int unsigned not null auto_increment,
  sku varchar(32) not null,
  name varchar(128) not null,
  category varchar(64) not null,
  price decimal(10,2) not null,
  active tinyint(1) not null,
  created_at datetime not null,
  updated_at timestamp not null default current_timestamp() on update current_timestamp(),
  primary key (product_id),
  unique key products_sku (sku),
  key products_category (category)
) engine = InnoDB;
create table if not exists discounts (
  discount_id int unsigned not null auto_increment,
  code varchar(32) not null,
  percent decimal(5,2) not null,
  valid_from date not null,
  valid_to date null,
  primary key (discount_id),
  unique key discounts_code (code)
) engine = InnoDB;
create table if not exists orders (
  order_id bigint not null auto_increment,
  customer_id int unsigned not null,
  address_id int unsigned not null,
  discount_id int unsigned null,
  status enum('placed','paid','shipped','returned','cancelled') not null,
  ordered_at datetime not null,
  updated_at timestamp not null default current_timestamp() on update current_timestamp(),
  primary key (order_id),
  key orders_ordered_at (ordered_at),
  key orders_customer (customer_id),
  key orders_address (address_id),
  key orders_discount (discount_id),
  constraint orders_customer foreign key (customer_id) references customers (customer_id),
  constraint orders_address foreign key (address_id) references addresses (address_id),
  constraint orders_discount foreign key (discount_id) references discounts (discount_id)
) engine = InnoDB;
create table if not exists order_items (
  order_id bigint not null,
  line_number smallint unsigned not null,
  product_id int unsigned not null,
  quantity smallint unsigned not null,
  unit_price decimal(10,2) not null,
  discount_amount decimal(10,2) not null,
  primary key (order_id, line_number),
  key order_items_product (product_id),
  constraint order_items_order foreign key (order_id) references orders (order_id),
  constraint order_items_product foreign key (product_id) references products (product_id)
) engine = InnoDB;
create table if not exists payments (
  payment_id bigint not null auto_increment,
  order_id bigint not null,
  kind enum('payment','refund') not null,
  method varchar(16) not null,
  amount decimal(12,2) not null,
  paid_at datetime not null,
  primary key (payment_id),
  key payments_order (order_id),
  constraint payments_order foreign key (order_id) references orders (order_id)
) engine = InnoDB;
