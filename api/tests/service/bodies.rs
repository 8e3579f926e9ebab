//! Bodies of requests that most tests send.

/// A valid CreateBroker for ActiveMQ, with `more` members.
pub(crate) fn activemq(name: &str, more: &str) -> String {
    format!(
        r#"{{"brokerName": "{name}", "engineType": "ACTIVEMQ", "deploymentMode": "SINGLE_INSTANCE",
        "hostInstanceType": "mq.t3.micro", "publiclyAccessible": true,
        "users": [{{"username": "alice", "password": "correct-horse-battery"}}]{more}}}"#
    )
}

/// A valid CreateBroker for RabbitMQ, with `more` members.
pub(crate) fn rabbitmq(name: &str, more: &str) -> String {
    format!(
        r#"{{"brokerName": "{name}", "engineType": "RabbitMQ", "deploymentMode": "SINGLE_INSTANCE",
        "hostInstanceType": "mq.m7g.medium", "publiclyAccessible": false,
        "users": [{{"username": "admin", "password": "correct-horse-battery"}}]{more}}}"#
    )
}
