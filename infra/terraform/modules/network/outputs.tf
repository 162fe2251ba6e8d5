output "network" {
  description = "The network's id; known once Cloud SQL's side is joined to it."
  value       = google_compute_network.this.id
  depends_on  = [google_service_networking_connection.services]
}

output "subnetwork" {
  description = "The subnetwork's id."
  value       = google_compute_subnetwork.this.id
}

output "addresses" {
  description = "Internal addresses by machine: airflow, airbyte."
  value       = { for name, address in google_compute_address.internal : name => address.address }
}
