{{ config(alias='payments', cluster_by=['_database', 'payment_id']) }}

{{ consolidate('retail', mart='payments') }}
