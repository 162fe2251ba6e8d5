output "emails" {
  description = "E-mail addresses by account: airflow, airbyte, transform, deploy."
  value       = local.emails
  depends_on  = [google_service_account.this]
}

output "members" {
  description = "The same as IAM members."
  value       = local.members
  depends_on  = [google_service_account.this]
}

output "names" {
  description = "The same as resource names, for rights on the accounts themselves."
  value       = { for name, account in google_service_account.this : name => account.name }
}
