{{ config(alias='customers', cluster_by=['_database', 'customer_id']) }}

{{ consolidate('retail', mart='customers') }}
