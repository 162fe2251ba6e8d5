{{ config(alias='discounts', cluster_by=['_database', 'discount_id']) }}

{{ consolidate('retail', mart='discounts') }}
