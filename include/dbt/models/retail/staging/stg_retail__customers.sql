with source as (
    select * from {{ source('raw_retail', 'customers') }}
),

renamed as (
    select
        cast(customer_id as int64) as customer_id,
        cast(email as string) as email,
        cast(newsletter as bool) as newsletter,
        cast(created_at as datetime) as created_at,
        cast(updated_at as timestamp) as updated_at
    from source
)

select * from renamed
