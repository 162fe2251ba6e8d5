# Tributary on Google Cloud, by one `terraform apply`. What there is for each database comes from include/databases.yaml;
# Airbyte's sources and connections, tables and versions are made by the pipeline itself.

locals {
  registry  = yamldecode(file("${path.module}/../../include/databases.yaml"))
  databases = sort(keys(local.registry.databases))

  # plugins/tributary/registry.py calls the instance so where nothing else is said.
  default_instance = try(local.registry.defaults.cloud_sql_instance, "staging")
  import_instances = sort(distinct([
    for database in values(local.registry.databases) : try(database.cloud_sql_instance, local.default_instance)
  ]))

  labels = { service = "tributary", env = var.environment }
  groups = { analysts = var.analysts_group, engineers = var.engineers_group }
}

module "network" {
  source = "./modules/network"

  region = var.region

  depends_on = [google_project_service.this]
}

module "identities" {
  source = "./modules/identities"

  project          = var.project
  groups           = local.groups
  import_instances = local.import_instances

  depends_on = [google_project_service.this]
}

# Dumps are imported here: one import at a time and instance. No backups, since every import makes its database anew.
module "sql_imports" {
  source   = "./modules/cloud_sql"
  for_each = toset(local.import_instances)

  name                = each.key
  database_version    = var.imports_version
  region              = var.region
  network             = module.network.network
  tier                = var.imports_tier
  disk_gb             = var.imports_disk_gb
  backups             = false
  flags               = local.mysql_flags
  user                = "tributary"
  password            = ephemeral.random_password.imports[each.key].result
  password_generation = lookup(var.secret_generations, "imports", 1)
  labels              = local.labels
  deletion_protection = var.deletion_protection

  depends_on = [google_project_service.this]
}

# Airflow's own state.
module "airflow_database" {
  source = "./modules/cloud_sql"

  name                = "tributary-airflow"
  database_version    = "POSTGRES_16"
  region              = var.region
  network             = module.network.network
  tier                = var.airflow_database_tier
  disk_gb             = 10
  backups             = true
  flags               = local.postgres_flags
  database            = "airflow"
  user                = "airflow"
  password            = ephemeral.random_password.this["airflow_database"].result
  password_generation = lookup(var.secret_generations, "airflow_database", 1)
  labels              = local.labels
  deletion_protection = var.deletion_protection

  depends_on = [google_project_service.this]
}

module "buckets" {
  source = "./modules/buckets"

  project         = var.project
  location        = var.location
  labels          = local.labels
  dumps_keep_days = var.dumps_keep_days
  pipeline        = module.identities.members["airflow"]
  imports         = { for name, instance in module.sql_imports : name => instance.service_account }

  depends_on = [google_project_service.this]
}

module "warehouse" {
  source = "./modules/warehouse"

  project   = var.project
  location  = var.location
  labels    = local.labels
  databases = local.databases
  accounts = {
    loader      = module.identities.emails["airbyte"]
    transformer = module.identities.emails["transform"]
    pipeline    = module.identities.emails["airflow"]
  }
  groups              = local.groups
  personal_data_group = var.personal_data_group
  raw_keep_days       = var.raw_keep_days
  audit_keep_days     = var.audit_keep_days

  depends_on = [google_project_service.this]
}

module "registry" {
  source = "./modules/registry"

  region = var.region
  labels = local.labels
  puller = module.identities.members["airflow"]
  pusher = module.identities.members["deploy"]

  depends_on = [google_project_service.this]
}

module "secrets" {
  source = "./modules/secrets"

  region  = var.region
  labels  = local.labels
  secrets = local.secrets
  values  = local.secret_values
  members = module.identities.members

  depends_on = [google_project_service.this]
}
