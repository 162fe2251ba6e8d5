variable "project" {
  description = "Id of the project."
  type        = string
}

variable "groups" {
  description = "Addresses of the Google groups by role: analysts, engineers."
  type        = map(string)
}

variable "import_instances" {
  description = "Names of the Cloud SQL instances that dumps are imported into."
  type        = list(string)
}
