# An alarm on a broker's messages, and one on an expression.
terraform {
  required_version = ">= 1.1"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 3.39"
    }
  }
}

variable "endpoint" {
  description = "Where brokerd's API is: the value of AWS_ENDPOINT_URL_CLOUDWATCH and _STS."
  type        = string
  default     = "http://127.0.0.1:8642"
}

variable "threshold" {
  description = "How many messages are too many."
  type        = number
  default     = 1000
}

# Credentials and region come from the environment: eval "$(make -s env)".
provider "aws" {
  skip_metadata_api_check = true

  endpoints {
    cloudwatch = var.endpoint
    sts        = var.endpoint
    iam        = var.endpoint
    ec2        = var.endpoint
  }
}

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  # The operator says by alarms.topics which webhook this topic stands for.
  topic = "arn:aws:sns:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:on-call"
}

resource "aws_cloudwatch_metric_alarm" "long" {
  alarm_name          = "orders-is-long"
  alarm_description   = "Nobody consumes, or too slowly"
  namespace           = "AWS/AmazonMQ"
  metric_name         = "MessageCount"
  dimensions          = { Broker = "orders" }
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  threshold           = var.threshold
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic]
  ok_actions          = [local.topic]

  tags = {
    team = "orders"
  }
}

resource "aws_cloudwatch_metric_alarm" "idle" {
  alarm_name          = "orders-is-idle"
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "LessThanThreshold"

  metric_query {
    id          = "rate"
    expression  = "FILL(published, 0) * PERIOD(published)"
    label       = "messages in a minute"
    return_data = true
  }

  metric_query {
    id = "published"

    metric {
      namespace   = "AWS/AmazonMQ"
      metric_name = "PublishRate"
      dimensions  = { Broker = "orders" }
      stat        = "Average"
      period      = 60
    }
  }
}
