-- A whole table into files of the bucket.
export data options (uri = '$target/$table/*.parquet', format = 'PARQUET', compression = 'ZSTD', overwrite = false) as
select $columns
from `$dataset`.`$table`
