output "image" {
  description = "Name of the image without its tag."
  value       = "${var.region}-docker.pkg.dev/${google_artifact_registry_repository.this.project}/${google_artifact_registry_repository.this.repository_id}/tributary"
}
