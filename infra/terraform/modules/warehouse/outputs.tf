output "personal_policy_tag" {
  description = "Resource name of the policy tag for personal columns."
  value       = google_data_catalog_policy_tag.personal.name
}
