variable "project" {
  description = "Id of the project; the buckets' names begin with it."
  type        = string
}

variable "location" {
  description = "Location of the buckets."
  type        = string
}

variable "labels" {
  description = "Labels of the buckets and the topic."
  type        = map(string)
}

variable "dumps_keep_days" {
  description = "After how many days a dump is deleted."
  type        = number
}

variable "pipeline" {
  description = "The pipeline's account, as an IAM member."
  type        = string
}

variable "imports" {
  description = "E-mail addresses of the Cloud SQL instances' own accounts, by instance."
  type        = map(string)
}
