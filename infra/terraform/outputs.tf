output "dumps_bucket" {
  description = "Bucket that the production databases leave their dumps in."
  value       = module.buckets.dumps
}

output "dumps_topic" {
  description = "Pub/Sub topic that hears of every dump."
  value       = module.buckets.dumps_topic
}

output "image" {
  description = "Name to push the image under, without its tag."
  value       = module.registry.image
}

output "ui_address" {
  description = "Address for the A record of the domain; null where there is no domain."
  value       = one(module.iap[*].address)
}

output "personal_policy_tag" {
  description = "Policy tag of personal columns that are copied in clear: docs/personal-data.md."
  value       = module.warehouse.personal_policy_tag
}

output "github_variables" {
  description = "Variables of the GitHub repository that its workflows read: docs/releasing.md."
  value = var.github_repository == null ? {} : {
    AIRFLOW_VM                 = module.airflow_vm.name
    DEPLOY_SERVICE_ACCOUNT     = module.identities.emails["deploy"]
    GCP_PROJECT                = var.project
    GCP_ZONE                   = var.zone
    IMAGE                      = module.registry.image
    WORKLOAD_IDENTITY_PROVIDER = one(module.github[*].provider)
  }
}
