{{ config(cluster_by=['order_id']) }}

with payments as (
    select * from {{ ref('stg_retail__payments') }}
),

orders as (
    select * from {{ ref('stg_retail__orders') }}
),

final as (
    select
        {{ dump_date() }} as _dump_date,
        payments.payment_id,
        payments.order_id,
        orders.customer_id,
        orders.status as order_status,
        payments.kind,
        payments.method,
        payments.amount,
        if(payments.kind = 'refund', -payments.amount, payments.amount) as signed_amount,
        payments.paid_at
    from payments
    left join orders on payments.order_id = orders.order_id
)

select * from final
