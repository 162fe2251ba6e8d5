with source as (
    select * from {{ source('raw_retail', 'payments') }}
),

renamed as (
    select
        cast(payment_id as int64) as payment_id,
        cast(order_id as int64) as order_id,
        cast(kind as string) as kind,
        cast(method as string) as method,
        cast(amount as numeric) as amount,
        cast(paid_at as datetime) as paid_at
    from source
)

select * from renamed
