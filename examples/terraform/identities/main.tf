# Who may do what in an account: a person who reads, and a pipeline that makes brokers by a role.
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
  description = "Where brokerd's API is: the value of AWS_ENDPOINT_URL_MQ, _STS and _IAM."
  type        = string
  default     = "http://127.0.0.1:8642"
}

# Credentials and region come from the environment: eval "$(make -s env)". The provider asks STS and IAM who it is, as with AWS.
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

data "aws_caller_identity" "current" {}

resource "aws_iam_policy" "configurations" {
  name        = "configurations"
  path        = "/teams/"
  description = "Configurations of brokers"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Configurations"
      Effect   = "Allow"
      Action   = ["mq:*Configuration*", "mq:*Tags"]
      Resource = "*"
    }]
  })

  tags = {
    team = "orders"
  }
}

resource "aws_iam_group" "readers" {
  name = "readers"
}

resource "aws_iam_group_policy_attachment" "readers" {
  group      = aws_iam_group.readers.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess"
}

resource "aws_iam_user" "alice" {
  name = "alice"
  path = "/people/"

  tags = {
    team = "orders"
  }
}

resource "aws_iam_user_group_membership" "alice" {
  user   = aws_iam_user.alice.name
  groups = [aws_iam_group.readers.name]
}

resource "aws_iam_user_policy" "alice" {
  name = "may-deploy"
  user = aws_iam_user.alice.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "sts:AssumeRole"
      Resource = aws_iam_role.deploy.arn
    }]
  })
}

resource "aws_iam_access_key" "alice" {
  user = aws_iam_user.alice.name
}

resource "aws_iam_role" "deploy" {
  name                 = "deploy"
  description          = "Of the pipeline"
  max_session_duration = 7200

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:root" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
    }]
  })

  tags = {
    team = "orders"
  }
}

resource "aws_iam_role_policy_attachment" "deploy" {
  role       = aws_iam_role.deploy.name
  policy_arn = aws_iam_policy.configurations.arn
}

resource "aws_iam_role_policy" "deploy" {
  name = "reads-brokers"
  role = aws_iam_role.deploy.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["mq:Describe*", "mq:List*"]
      Resource = "*"
    }]
  })
}

output "role" {
  value = aws_iam_role.deploy.arn
}

output "access_key" {
  value = aws_iam_access_key.alice.id
}

output "secret" {
  value     = aws_iam_access_key.alice.secret
  sensitive = true
}
