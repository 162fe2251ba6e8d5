# What is around the pipeline: its door, its costs, who is told, who deploys.

module "iap" {
  source = "./modules/iap"
  count  = var.domain == null ? 0 : 1

  domain  = var.domain
  zone    = var.zone
  airflow = module.airflow_vm.self_link
  members = distinct(concat(["group:${var.engineers_group}"], var.ui_members))
  labels  = local.labels

  depends_on = [google_project_service.this]
}

module "budget" {
  source = "./modules/budget"

  project         = var.project
  billing_account = var.billing_account
  amount          = var.monthly_budget
  email           = var.alert_email

  depends_on = [google_project_service.this]
}

module "datadog" {
  source = "./modules/datadog"
  count  = var.datadog ? 1 : 0

  environment = var.environment
}

module "github" {
  source = "./modules/github"
  count  = var.github_repository == null ? 0 : 1

  project              = var.project
  repository           = var.github_repository
  account_name         = module.identities.names["deploy"]
  account_member       = module.identities.members["deploy"]
  machine_account_name = module.identities.names["airflow"]
  airflow              = module.airflow_vm.name
  zone                 = var.zone

  depends_on = [google_project_service.this]
}
