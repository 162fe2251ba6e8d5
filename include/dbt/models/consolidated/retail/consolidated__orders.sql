{{ config(alias='orders', cluster_by=['_database', 'order_id']) }}

{{ consolidate('retail', mart='orders') }}
