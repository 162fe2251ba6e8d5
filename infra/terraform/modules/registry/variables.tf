variable "region" {
  description = "Region of the repository."
  type        = string
}

variable "labels" {
  description = "Labels of the repository."
  type        = map(string)
}

variable "puller" {
  description = "IAM member that pulls images: the machines."
  type        = string
}

variable "pusher" {
  description = "IAM member that pushes images: the workflows."
  type        = string
}
