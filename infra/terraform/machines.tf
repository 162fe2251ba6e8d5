locals {
  # Celery only where there are machines for it: on one machine LocalExecutor does with less.
  celery = var.workers.count > 0
  # Whom the load balancer or a worker has to reach listens on the machine's private address, too; else on loopback alone.
  listen = var.domain != null || local.celery ? "0.0.0.0" : "127.0.0.1"
  url    = var.domain == null ? "http://localhost:8080" : "https://${var.domain}"

  # Every name is explained in .env.example and docs/configuration.md. No secrets: those are files.
  env = {
    COMPOSE_PROFILES       = join(",", concat(local.celery ? ["workers"] : [], var.datadog ? ["datadog"] : []))
    TRIBUTARY_IMAGE        = module.registry.image
    TRIBUTARY_VERSION      = var.image_version
    TRIBUTARY_SECRETS_DIR  = "/run/tributary/secrets"
    TRIBUTARY_LOGS         = "/var/log/tributary"
    TRIBUTARY_LISTEN       = local.listen
    TRIBUTARY_MAIN_ADDRESS = module.network.addresses["airflow"]
    TRIBUTARY_URL          = local.url

    # Airflow's machine runs a worker, too.
    TRIBUTARY_EXECUTOR           = local.celery ? "CeleryExecutor" : "LocalExecutor"
    TRIBUTARY_PARALLELISM        = local.celery ? (1 + var.workers.count) * var.workers.slots : 8
    TRIBUTARY_WORKER_CONCURRENCY = var.workers.slots
    TRIBUTARY_REMOTE_LOGGING     = "True"
    TRIBUTARY_REMOTE_LOGS        = "gs://${module.buckets.logs}/airflow"

    # Of both of PostgreSQL's clients, libpq and asyncpg, which name it differently in an address.
    PGSSLMODE = "require"

    GOOGLE_CLOUD_PROJECT        = var.project
    TRIBUTARY_LOCATION          = var.location
    TRIBUTARY_DUMPS_BUCKET      = module.buckets.dumps
    TRIBUTARY_TRANSFORM_ACCOUNT = module.identities.emails["transform"]
    TRIBUTARY_DOCS_URL          = var.docs_url

    TRIBUTARY_PERSONAL_POLICY_TAG = module.warehouse.personal_policy_tag

    AIRFLOW__SECRETS__BACKEND = "airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend"
    AIRFLOW__SECRETS__BACKEND_KWARGS = jsonencode({
      connections_prefix = "airflow-connections"
      variables_prefix   = "airflow-variables"
      sep                = "-"
      project_id         = var.project
    })

    DD_ENV        = var.environment
    DD_SITE       = var.datadog_site
    DD_SERVICE    = "tributary"
    DD_AGENT_HOST = var.datadog ? "agent" : ""
    DD_HOSTNAME   = "tributary-${var.environment}"
  }

  # A worker's machine runs a worker, and what removes its old logs. Its metrics go to the main machine's agent: two
  # agents of one host name would overwrite each other's counts.
  worker_env = merge(local.env, {
    COMPOSE_PROFILES   = "workers"
    TRIBUTARY_SERVICES = "worker,log-expiry"
    DD_AGENT_HOST      = var.datadog ? module.network.addresses["airflow"] : ""
  })
}

module "airflow_vm" {
  source = "./modules/airflow_vm"

  zone                = var.zone
  machine_type        = var.airflow_machine_type
  subnetwork          = module.network.subnetwork
  address             = module.network.addresses["airflow"]
  account             = module.identities.emails["airflow"]
  env                 = join("", [for name, value in merge(local.env, var.settings) : "${name}=${value}\n"])
  labels              = local.labels
  deletion_protection = var.deletion_protection

  # Its first start reads them.
  depends_on = [google_project_service.this, module.secrets, module.airflow_database]
}

module "airbyte_vm" {
  source = "./modules/airbyte_vm"

  region              = var.region
  zone                = var.zone
  machine_type        = var.airbyte_machine_type
  subnetwork          = module.network.subnetwork
  address             = module.network.addresses["airbyte"]
  account             = module.identities.emails["airbyte"]
  abctl_version       = var.abctl_version
  abctl_sha256        = var.abctl_sha256
  chart_version       = var.airbyte_chart_version
  labels              = local.labels
  deletion_protection = var.deletion_protection

  depends_on = [google_project_service.this, module.secrets]
}

module "workers" {
  source = "./modules/workers"
  count  = local.celery ? 1 : 0

  region       = var.region
  zone         = var.zone
  instances    = var.workers.count
  machine_type = var.workers.machine_type
  subnetwork   = module.network.subnetwork
  account      = module.identities.emails["airflow"]
  env          = join("", [for name, value in merge(local.worker_env, var.settings) : "${name}=${value}\n"])
  labels       = local.labels

  depends_on = [google_project_service.this, module.secrets, module.airflow_vm]
}
