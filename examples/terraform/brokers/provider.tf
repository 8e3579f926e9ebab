terraform {
  required_version = ">= 1.1"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 3.39"
    }
  }
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
