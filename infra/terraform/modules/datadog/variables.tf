variable "environment" {
  description = "Value of the tag `env` that monitors and objectives look at."
  type        = string
}
