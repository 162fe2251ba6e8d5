output "name" {
  description = "Name of the machine."
  value       = google_compute_instance.this.name
}
