output "ids" {
  description = "Ids of all secrets; known once each has a value and its readers."
  value       = sort(keys(google_secret_manager_secret.this))
  depends_on  = [google_secret_manager_secret_version.this, google_secret_manager_secret_iam_member.readers]
}
