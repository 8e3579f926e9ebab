# A pair of ActiveMQ instances on one store: when the active one fails, the standby serves at the same addresses.
resource "aws_mq_configuration" "events" {
  name           = "${var.prefix}-events"
  description    = "Queues and permissions of the events brokers"
  engine_type    = "ActiveMQ"
  engine_version = "5.19"

  # brokerd keeps the document as it is given. It refuses or warns of what the engine would not take.
  data = <<XML
<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<broker xmlns="http://activemq.apache.org/schema/core">
  <destinations>
%{for queue in var.queues~}
    <queue physicalName="${queue}"/>
%{endfor~}
  </destinations>
  <plugins>
    <forcePersistencyModeBrokerPlugin persistenceFlag="true"/>
  </plugins>
</broker>
XML
}

resource "aws_mq_broker" "events" {
  broker_name        = "${var.prefix}-events"
  engine_type        = "ActiveMQ"
  engine_version     = "5.19"
  deployment_mode    = "ACTIVE_STANDBY_MULTI_AZ"
  host_instance_type = "mq.m5.large"

  publicly_accessible        = true
  auto_minor_version_upgrade = true
  # What needs a restart of the engine is applied by a reboot right away, instead of in the maintenance window.
  apply_immediately = true

  configuration {
    id       = aws_mq_configuration.events.id
    revision = aws_mq_configuration.events.latest_revision
  }

  logs {
    general = true
    audit   = "false"
  }

  maintenance_window_start_time {
    day_of_week = "TUESDAY"
    time_of_day = "02:00"
    time_zone   = "CET"
  }

  user {
    username       = "admin"
    password       = var.admin_password
    console_access = true
    groups         = ["admins"]
  }

  user {
    username = "reader"
    password = var.admin_password
    groups   = ["readers"]
  }

  tags = {
    team = "platform"
  }
}
