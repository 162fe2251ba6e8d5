create table if not exists airlines (
  carrier char(2) not null,
  name varchar(64) not null,
  primary key (carrier)
) engine = InnoDB;
create table if not exists airports (
  faa char(3) not null,
  name varchar(64) not null,
  lat double not null,
  lon double not null,
  alt smallint not null,
  tz tinyint not null,
  dst char(1) not null,
  tzone varchar(32) null,
  primary key (faa)
) engine = InnoDB;
create table if not exists planes (
  tailnum varchar(8) not null,
  year smallint null,
  type varchar(32) not null,
  manufacturer varchar(32) not null,
  model varchar(32) not null,
  engines tinyint not null,
  seats smallint not null,
  speed smallint null,
  engine varchar(16) not null,
  primary key (tailnum)
) engine = InnoDB;
-- `dest` and `tailnum` carry no foreign key: the source knows neither all airports nor all planes.
create table if not exists flights (
  flight_id int unsigned not null,
  year smallint not null,
  month tinyint not null,
  day tinyint not null,
  dep_time smallint null,
  sched_dep_time smallint not null,
  dep_delay smallint null,
  arr_time smallint null,
  sched_arr_time smallint not null,
  arr_delay smallint null,
  carrier char(2) not null,
  flight smallint unsigned not null,
  tailnum varchar(8) null,
  origin char(3) not null,
  dest char(3) not null,
  air_time smallint null,
  distance smallint unsigned not null,
  hour tinyint not null,
  minute tinyint not null,
  time_hour datetime not null,
  primary key (flight_id),
  key flights_day (year, month, day),
  key flights_tailnum (tailnum),
  key flights_time_hour (origin, time_hour),
  constraint flights_carrier foreign key (carrier) references airlines (carrier),
  constraint flights_origin foreign key (origin) references airports (faa)
) engine = InnoDB;
create table if not exists weather (
  origin char(3) not null,
  year smallint not null,
  month tinyint not null,
  day tinyint not null,
  hour tinyint not null,
  temp double null,
  dewp double null,
  humid double null,
  wind_dir smallint null,
  wind_speed double null,
  wind_gust double null,
  precip double null,
  pressure double null,
  visib double null,
  time_hour datetime not null,
  primary key (origin, time_hour),
  constraint weather_origin foreign key (origin) references airports (faa)
) engine = InnoDB;
