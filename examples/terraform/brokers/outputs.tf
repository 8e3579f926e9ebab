output "events_endpoints" {
  description = "The endpoints of both instances, each in the order ssl, amqp+ssl, stomp+ssl, mqtt+ssl, wss. All lead to the active instance."
  value       = aws_mq_broker.events.instances[*].endpoints
}

output "events_console" {
  value = aws_mq_broker.events.instances[0].console_url
}

output "orders_endpoint" {
  value = data.aws_mq_broker.orders.instances[0].endpoints[0]
}
