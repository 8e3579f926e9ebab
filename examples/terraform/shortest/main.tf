# The shortest way to a broker: everything that is not said is brokerd's own choice.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 3.39"
    }
  }
}

variable "endpoint" {
  description = "Where brokerd's API is: the value of AWS_ENDPOINT_URL_MQ."
  type        = string
  default     = "http://127.0.0.1:8642"
}

# Credentials and region come from the environment: eval "$(make -s env)".
provider "aws" {
  skip_metadata_api_check = true

  endpoints {
    mq  = var.endpoint
    sts = var.endpoint
    iam = var.endpoint
    # Old providers ask it what an account may have, and wait for long where AWS does not answer.
    ec2 = var.endpoint
  }
}

resource "aws_mq_broker" "orders" {
  broker_name        = "orders"
  engine_type        = "RabbitMQ"
  engine_version     = "4.3"
  host_instance_type = "mq.m7g.medium"

  auto_minor_version_upgrade = true

  user {
    username = "admin"
    password = "correct-horse-battery"
  }
}

output "endpoint" {
  value = aws_mq_broker.orders.instances[0].endpoints[0]
}
