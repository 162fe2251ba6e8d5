{{ config(alias='products', cluster_by=['_database', 'product_id']) }}

{{ consolidate('retail', mart='products') }}
