output "address" {
  description = "Address that the host name has to point at, as an A record."
  value       = google_compute_global_address.this.address
}
