# A Cloud SQL instance with a private address, encrypted connections only, and one user.

resource "google_sql_database_instance" "this" {
  #checkov:skip=CKV_GCP_79:Whoever uses the module says which version; a person changes major versions, on purpose.
  #checkov:skip=CKV_GCP_6:Encrypted connections are required. Client certificates would be key files to hand around.
  #checkov:skip=CKV_GCP_14:Airflow's database is backed up; the imports' one is not, since each import makes it anew.
  #checkov:skip=CKV2_GCP_20:Point in time recovery: Airflow's has it, the imports' has none, for that reason.
  #checkov:skip=CKV2_GCP_13:Airflow asks its database several times a second; log_min_duration_statement tells of slow ones.
  #checkov:skip=CKV_GCP_51:The flags are the caller's (database_flags.tf), where checkov does not look; tests/infra does.
  #checkov:skip=CKV_GCP_52:The flags are the caller's, too.
  #checkov:skip=CKV_GCP_53:The flags are the caller's, too.
  #checkov:skip=CKV_GCP_54:The flags are the caller's, too.
  #checkov:skip=CKV_GCP_108:The flags are the caller's, too.
  #checkov:skip=CKV_GCP_109:The flags are the caller's, too.
  #checkov:skip=CKV_GCP_110:The flags are the caller's, too.
  #checkov:skip=CKV_GCP_111:The flags are the caller's, too.
  name                = var.name
  region              = var.region
  database_version    = var.database_version
  deletion_protection = var.deletion_protection

  settings {
    tier                        = var.tier
    edition                     = "ENTERPRISE"
    availability_type           = "ZONAL"
    disk_type                   = "PD_SSD"
    disk_size                   = var.disk_gb
    disk_autoresize             = true
    deletion_protection_enabled = var.deletion_protection
    user_labels                 = var.labels

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = var.backups
      point_in_time_recovery_enabled = var.backups && startswith(var.database_version, "POSTGRES")
      start_time                     = "12:00"
      transaction_log_retention_days = var.backups ? 7 : null
    }

    maintenance_window {
      day          = 7
      hour         = 14
      update_track = "stable"
    }

    dynamic "database_flags" {
      for_each = var.flags

      content {
        name  = database_flags.value.name
        value = database_flags.value.value
      }
    }
  }

  lifecycle {
    # It grows by itself; what is written here is only where it begins.
    ignore_changes = [settings[0].disk_size]
  }
}

resource "google_sql_database" "this" {
  count = var.database == null ? 0 : 1

  instance = google_sql_database_instance.this.name
  name     = var.database
}

resource "google_sql_user" "this" {
  instance            = google_sql_database_instance.this.name
  name                = var.user
  password_wo         = var.password
  password_wo_version = var.password_generation
  # PostgreSQL refuses to drop a user that owns tables; with the instance it goes anyway.
  deletion_policy = "ABANDON"
}
