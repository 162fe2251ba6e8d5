output "dumps" {
  description = "Name of the bucket that dumps are left in."
  value       = google_storage_bucket.dumps.name
}

output "logs" {
  description = "Name of the bucket for logs."
  value       = google_storage_bucket.logs.name
}

output "dumps_topic" {
  description = "Topic that hears of every dump."
  value       = google_pubsub_topic.dumps.id
}
