output "provider" {
  description = "Resource name of the provider, for google-github-actions/auth."
  value       = google_iam_workload_identity_pool_provider.this.name
}
