-- What the simulator remembers about the databases it keeps alive. Lives beside them, in no dump.
create table if not exists living_databases (
  database_name varchar(64) not null comment 'Production database.',
  app varchar(16) not null comment 'retail or flights.',
  origin char(3) null comment 'Replayed airport; for flights only.',
  seed bigint not null,
  scale double not null comment 'Volume of a day; 1 is the demo.',
  simulated_day date null comment 'Last day that was lived; empty before the first.',
  primary key (database_name)
) engine = InnoDB;
create table if not exists days (
  database_name varchar(64) not null,
  day date not null,
  row_counts json not null comment 'Rows per table at the end of the day.',
  dump_due tinyint(1) not null comment 'The day is lived and its dump not yet left.',
  dump_bytes bigint null comment 'Size of the dump object; empty when none was left.',
  primary key (database_name, day)
) engine = InnoDB;
create table if not exists breaks (
  database_name varchar(64) not null,
  rule varchar(32) not null,
  detail varchar(64) null comment 'What was broken, for healing it.',
  primary key (database_name, rule)
) engine = InnoDB;
