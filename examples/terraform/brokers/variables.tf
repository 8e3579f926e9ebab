variable "endpoint" {
  description = "Where brokerd's API is: the value of AWS_ENDPOINT_URL_MQ."
  type        = string
  default     = "http://127.0.0.1:8642"
}

variable "prefix" {
  description = "What the names of brokers and configurations begin with."
  type        = string
  default     = "example"
}

variable "admin_password" {
  description = "Password of the administrators: 12 to 250 characters, at least 4 different ones, without comma, colon and equals sign."
  type        = string
  sensitive   = true
}

variable "queues" {
  description = "Queues that the ActiveMQ pair has from its start."
  type        = list(string)
  default     = ["orders"]
}

variable "consumer_timeout" {
  description = "How long a consumer of the RabbitMQ brokers may keep a message unacknowledged, in milliseconds."
  type        = number
  default     = 1800000
}
