variable "project" {
  description = "Id of the project."
  type        = string
}

variable "repository" {
  description = "The repository, as owner/name."
  type        = string
}

variable "account_name" {
  description = "Resource name of the account that workflows act as."
  type        = string
}

variable "account_member" {
  description = "The same account as an IAM member."
  type        = string
}

variable "machine_account_name" {
  description = "Resource name of the account of Airflow's machine."
  type        = string
}

variable "airflow" {
  description = "Name of Airflow's machine."
  type        = string
}

variable "zone" {
  description = "Zone of Airflow's machine."
  type        = string
}
