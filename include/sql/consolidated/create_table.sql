create table if not exists `consolidated`.`$table` like `consolidated__audit`.`$table`
