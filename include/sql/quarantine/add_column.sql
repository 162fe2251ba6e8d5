alter table `$quarantine`.`$table` add column if not exists `$column` $type
