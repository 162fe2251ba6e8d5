variable "domain" {
  description = "Host name of the UI."
  type        = string
}

variable "zone" {
  description = "Zone of Airflow's machine."
  type        = string
}

variable "airflow" {
  description = "Link of Airflow's machine."
  type        = string
}

variable "members" {
  description = "IAM members that IAP lets through."
  type        = list(string)
}

variable "labels" {
  description = "Labels of the address."
  type        = map(string)
}
