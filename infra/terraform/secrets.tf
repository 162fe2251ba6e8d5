# Every secret, who reads it and where its value comes from. Values are ephemeral: made while the apply runs, handed to
# Secret Manager and Cloud SQL, and forgotten. A value changes only when its number in `secret_generations` does.

locals {
  # The passwords that are made. Below, by secret, the group in `secret_generations` whose number writes it anew: what
  # contains the same password has the same group, and so has what only works together.
  generated = toset([
    "admin", "airbyte_client_id", "airbyte_client_secret", "airbyte_password", "airflow_database", "api_secret_key",
    "fernet_key", "jwt_secret", "personal_data", "redis", "service",
  ])

  # The files that docker-compose.yaml mounts, by name: deploy/fetch-secrets writes tributary-<name> to /run/tributary.
  files = {
    airflow_database_url      = "airflow_database"
    airflow_database_password = "airflow_database"
    celery_result_backend     = "redis"
    celery_broker_url         = "redis"
    redis_password            = "redis"
    fernet_key                = "fernet_key"
    jwt_secret                = "jwt_secret"
    api_secret_key            = "api_secret_key"
    admin_password            = "admin"
    service_password          = "service"
  }

  airbyte_secrets = { airbyte_client_id = "airbyte_client", airbyte_client_secret = "airbyte_client", airbyte_password = "airbyte_password" }

  # Airflow's connections, by the ids that docs/configuration.md lists, and the group of each.
  connections = merge(
    { google_cloud_default = "none", airbyte_default = "airbyte_client", airflow_api = "service", personal_data = "personal_data" },
    { for name in local.import_instances : "cloud_sql__${name}" => "imports" },
    var.slack ? { slack_default = "slack" } : {},
  )

  secrets = merge(
    { for name, group in local.files : "tributary-${replace(name, "_", "-")}" => { readers = ["airflow"], generation = lookup(var.secret_generations, group, 1) } },
    { for name, group in local.airbyte_secrets : "tributary-${replace(name, "_", "-")}" => { readers = ["airbyte"], generation = lookup(var.secret_generations, group, 1) } },
    { for name, group in local.connections : "airflow-connections-${name}" => { readers = ["airflow"], generation = lookup(var.secret_generations, group, 1) } },
    # A reader of a secret that is not there is refused as one without rights: so these are there, empty as long as nobody
    # needs them. The value of the first is for a person to add, where people sign in with single sign-on.
    {
      tributary-sso-client-secret = { readers = ["airflow"], generation = 0 }
      tributary-datadog-api-key   = { readers = ["airflow"], generation = var.datadog ? lookup(var.secret_generations, "datadog", 1) : 0 }
    },
  )
}

ephemeral "random_password" "this" {
  for_each = local.generated

  # Letters and digits: no address needs quoting. 32 of them are 190 bits, and exactly the bytes of a Fernet key.
  length  = 32
  special = false
}

# One each: an instance that is added later must not change the others' passwords.
ephemeral "random_password" "imports" {
  for_each = toset(local.import_instances)

  length  = 32
  special = false
}

locals {
  password = { for name, made in ephemeral.random_password.this : name => made.result }
  postgres = "airflow:${local.password["airflow_database"]}@${module.airflow_database.address}/airflow"

  connection_values = merge(
    {
      google_cloud_default = { conn_type = "google_cloud_platform", extra = { project = var.project, num_retries = 3 } }
      airflow_api          = { conn_type = "http", host = "http://api-server:8080", login = "tributary", password = local.password["service"] }
      airbyte_default = {
        conn_type = "airbyte"
        host      = "http://${module.network.addresses["airbyte"]}:8000/api/public/v1/"
        login     = local.password["airbyte_client_id"]
        password  = local.password["airbyte_client_secret"]
        schema    = "v1/applications/token"
        extra     = { timeout = 30 }
      }
      # A new one makes other hashes of all personal data: docs/personal-data.md.
      personal_data = { conn_type = "generic", password = local.password["personal_data"] }
      slack_default = { conn_type = "slack", password = var.slack_token }
    },
    {
      for name, instance in module.sql_imports : "cloud_sql__${name}" => {
        conn_type = "mysql"
        host      = instance.address
        port      = 3306
        login     = "tributary"
        password  = ephemeral.random_password.imports[name].result
        extra     = { ssl_mode = "REQUIRED" }
      }
    },
  )

  secret_values = merge(
    {
      tributary-airflow-database-url      = "postgresql+psycopg2://${local.postgres}"
      tributary-airflow-database-password = local.password["airflow_database"]
      tributary-celery-result-backend     = "redis://:${local.password["redis"]}@redis:6379/1"
      tributary-celery-broker-url         = "redis://:${local.password["redis"]}@redis:6379/0"
      tributary-redis-password            = local.password["redis"]
      tributary-fernet-key                = replace(replace(base64encode(local.password["fernet_key"]), "+", "-"), "/", "_")
      tributary-jwt-secret                = local.password["jwt_secret"]
      tributary-api-secret-key            = local.password["api_secret_key"]
      tributary-admin-password            = local.password["admin"]
      tributary-service-password          = local.password["service"]
      tributary-airbyte-client-id         = local.password["airbyte_client_id"]
      tributary-airbyte-client-secret     = local.password["airbyte_client_secret"]
      tributary-airbyte-password          = local.password["airbyte_password"]
      tributary-datadog-api-key           = var.datadog_api_key
    },
    { for name, value in local.connection_values : "airflow-connections-${name}" => jsonencode(value) },
  )
}
