output "name" {
  description = "Name of the machine."
  value       = google_compute_instance.this.name
}

output "self_link" {
  description = "Link of the machine, for an instance group."
  value       = google_compute_instance.this.self_link
}
