output "address" {
  description = "Its private address."
  value       = google_sql_database_instance.this.private_ip_address
}

output "service_account" {
  description = "The account with which the instance itself reads dumps from a bucket."
  value       = google_sql_database_instance.this.service_account_email_address
}
