variable "project" {
  description = "Id of the project."
  type        = string
}

variable "location" {
  description = "Location of all datasets."
  type        = string
}

variable "labels" {
  description = "Labels of all datasets."
  type        = map(string)
}

variable "databases" {
  description = "Names of the databases, from include/databases.yaml."
  type        = list(string)
}

variable "accounts" {
  description = "E-mail addresses of the service accounts by role: loader, transformer, pipeline."
  type        = map(string)
}

variable "groups" {
  description = "Addresses of the Google groups by role: analysts, engineers."
  type        = map(string)
}

variable "personal_data_group" {
  description = "Google group that reads columns with the policy tag `personal`; null for nobody."
  type        = string
}

variable "raw_keep_days" {
  description = "After how many days rows of a raw dataset expire that no sync has renewed."
  type        = number
}

variable "audit_keep_days" {
  description = "After how many days the tables of `consolidated__audit` expire."
  type        = number
}
