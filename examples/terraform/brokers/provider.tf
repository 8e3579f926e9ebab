terraform {
  required_version = ">= 1.1"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 3.39"
    }
  }
}

# Credentials and region come from the environment: eval "$(make -s env)". brokerd has no STS, IAM or EC2, so the provider must not
# ask them who it is.
provider "aws" {
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true

  endpoints {
    mq = var.endpoint
    # Old providers ask it what an account may have, and wait for long where AWS does not answer.
    ec2 = var.endpoint
  }
}
