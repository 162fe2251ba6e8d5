# What the servers are told. https://cloud.google.com/sql/docs/mysql/flags, https://cloud.google.com/sql/docs/postgres/flags

locals {
  mysql_flags = [
    { name = "character_set_server", value = "utf8mb4" },
    { name = "local_infile", value = "off" },
    { name = "skip_show_database", value = "on" },
  ]

  postgres_flags = [
    { name = "log_checkpoints", value = "on" },
    { name = "log_connections", value = "on" },
    { name = "log_disconnections", value = "on" },
    { name = "log_duration", value = "off" },
    { name = "log_hostname", value = "on" },
    { name = "log_lock_waits", value = "on" },
    { name = "log_min_duration_statement", value = "5000" },
    { name = "log_min_messages", value = "error" },
    { name = "log_statement", value = "ddl" },
    { name = "log_temp_files", value = "0" },
    { name = "cloudsql.enable_pgaudit", value = "on" },
  ]
}
