variable "airflow_machine_type" {
  description = "Machine that runs Airflow and dbt."
  type        = string
  default     = "e2-standard-4"
}

variable "airbyte_machine_type" {
  description = "Machine that runs Airbyte; four CPUs and 15 GB are the least that its syncs are happy with."
  type        = string
  default     = "n1-standard-4"
}

variable "workers" {
  description = "Machines that run tasks with Celery besides the Airflow machine; count 0 for none."
  type = object({
    count        = number
    machine_type = optional(string, "e2-standard-4")
    slots        = optional(number, 8)
  })
  default = { count = 0 }

  validation {
    condition     = var.workers.count >= 0 && var.workers.count == floor(var.workers.count)
    error_message = "workers.count: expected 0 or more."
  }
}

variable "imports_version" {
  description = "MySQL's version there; not older than that of any production database. 8.0 costs extra since July 2026."
  type        = string
  default     = "MYSQL_8_4"

  validation {
    condition     = can(regex("^MYSQL_[0-9]+_[0-9]+$", var.imports_version))
    error_message = "Expected a version as Cloud SQL calls it, such as MYSQL_8_4."
  }
}

variable "imports_tier" {
  description = "Tier of the Cloud SQL instances that dumps are imported into."
  type        = string
  default     = "db-custom-2-7680"
}

variable "imports_disk_gb" {
  description = "Disk of each of them to begin with; it grows by itself. It holds every database that is imported there, unpacked."
  type        = number
  default     = 100

  validation {
    condition     = var.imports_disk_gb >= 10
    error_message = "Expected 10 or more."
  }
}

variable "airflow_database_tier" {
  description = "Tier of the PostgreSQL instance that holds Airflow's own state."
  type        = string
  default     = "db-custom-1-3840"
}

variable "dumps_keep_days" {
  description = "How long dumps are kept in their bucket. Days further back cannot be loaded again."
  type        = number
  default     = 30

  validation {
    condition     = var.dumps_keep_days >= 3
    error_message = "Expected 3 or more: a load may be repeated for some days."
  }
}

variable "raw_keep_days" {
  description = "After how many days without a sync the rows of a raw dataset expire."
  type        = number
  default     = 30
}

variable "audit_keep_days" {
  description = "After how many days without a consolidation the tables of `consolidated__audit` expire."
  type        = number
  default     = 14
}
