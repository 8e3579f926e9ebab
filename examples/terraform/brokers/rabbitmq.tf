resource "aws_mq_configuration" "orders" {
  name           = "${var.prefix}-orders"
  description    = "Limits of the orders brokers"
  engine_type    = "RabbitMQ"
  engine_version = "4.3"

  data = <<CONF
# How long a consumer may keep a message
consumer_timeout = ${var.consumer_timeout}
CONF
}

# A cluster of three nodes behind one endpoint.
resource "aws_mq_broker" "orders" {
  broker_name        = "${var.prefix}-orders"
  engine_type        = "RabbitMQ"
  engine_version     = "4.3"
  deployment_mode    = "CLUSTER_MULTI_AZ"
  host_instance_type = "mq.m7g.medium"
  storage_type       = "ebs"

  auto_minor_version_upgrade = true
  apply_immediately          = true

  configuration {
    id       = aws_mq_configuration.orders.id
    revision = aws_mq_configuration.orders.latest_revision
  }

  # RabbitMQ brokers have this one user; all others are made in RabbitMQ itself.
  user {
    username = "admin"
    password = var.admin_password
  }

  tags = {
    team = "platform"
  }
}

# How other modules find a broker that they did not make.
data "aws_mq_broker" "orders" {
  broker_id = aws_mq_broker.orders.id
}
