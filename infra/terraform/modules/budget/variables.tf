variable "project" {
  description = "Id of the project."
  type        = string
}

variable "billing_account" {
  description = "Id of the billing account."
  type        = string
}

variable "amount" {
  description = "The month's budget in the account's currency; whole units."
  type        = number
}

variable "email" {
  description = "Where mails go."
  type        = string
}
