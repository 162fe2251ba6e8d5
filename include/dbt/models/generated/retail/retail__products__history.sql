-- Made from include/contracts/retail.yaml by `tributary generate`; change the contract instead.
{{ config(
    alias='products__history',
    schema='shop_eu',
    tags=['retail'],
    materialized='history',
    unique_key=['product_id'],
    partition_by={'field': '_valid_to', 'data_type': 'date'},
    cluster_by=['product_id'],
    full_refresh=false,
    persist_docs={'relation': true, 'columns': true}
) }}

select
    {{ dump_date() }} as `_valid_from`,
    cast(null as date) as `_valid_to`,
    cast(null as string) as `_ended_by`,
    cast(`product_id` as int64) as `product_id`,
    cast(`sku` as string) as `sku`,
    cast(`name` as string) as `name`,
    cast(`category` as string) as `category`,
    cast(`price` as numeric) as `price`,
    cast(`active` as int64) as `active`,
    cast(`created_at` as datetime) as `created_at`,
    cast(`updated_at` as timestamp) as `updated_at`
from {{ source('raw_retail', 'products') }}
