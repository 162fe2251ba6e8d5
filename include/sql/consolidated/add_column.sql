alter table `consolidated`.`$table` add column if not exists `$column` $type
