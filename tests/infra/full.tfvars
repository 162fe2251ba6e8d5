# Every part of the configuration switched on, for the tests.
project         = "acme-tributary"
billing_account = "012345-6789AB-CDEF01"
alert_email     = "data-platform@example.com"
analysts_group  = "analysts@example.com"
engineers_group = "data-engineers@example.com"

domain              = "tributary.example.com"
github_repository   = "acme/tributary"
personal_data_group = "privacy@example.com"
ui_members          = ["group:analysts@example.com"]
workers             = { count = 2, machine_type = "e2-standard-4", slots = 8 }
datadog             = true
slack               = true
