export data options (uri = '$target/$table/*.parquet', format = 'PARQUET', compression = 'ZSTD', overwrite = false) as
-- A whole table into files of the bucket.
select $columns
from `$dataset`.`$table`
