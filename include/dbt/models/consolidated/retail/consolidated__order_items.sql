{{ config(alias='order_items', cluster_by=['_database', 'order_id', 'line_number']) }}

{{ consolidate('retail', mart='order_items') }}
