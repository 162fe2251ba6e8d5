-- What a version has of every database. Versions of before the column `edition` lack it, so nothing is named here.
select * -- noqa: AM04
from `$dataset`.`$table`
