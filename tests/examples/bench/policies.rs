//! A user whose policy has many statements, as policies that grew over years have.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

/// Who has the policy.
pub(crate) const USER: &str = "many-statements";

/// How many statements it has.
pub(crate) const STATEMENTS: usize = 20;

/// Gives the user the policy, which is longer than the service permits for a user.
pub(crate) async fn give(url: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let given = sqlx::query(
        "insert into inline_policy (identity_id, name, document, size)
         select id, 'many', $2, 0 from identity where kind = 'user' and name = $1",
    )
    .bind(USER)
    .bind(document().to_string())
    .execute(&mut connection)
    .await?;
    ensure!(given.rows_affected() == 1, "there is no user {USER}");
    connection.close().await?;
    Ok(())
}

/// Only the last statement allows to describe brokers. Of the others a quarter denies, and a third has conditions.
fn document() -> Value {
    let other = |n: usize| {
        let mut statement = json!({
            "Sid": format!("Team{n}"),
            "Effect": if n % 4 == 3 { "Deny" } else { "Allow" },
            "Action": ["mq:Create*", "mq:Delete*", "mq:RebootBroker", "mq:Update*"],
            "Resource": [format!("arn:aws:mq:*:*:broker:team-{n}-*:*"), "arn:aws:mq:*:*:configuration:*"],
        });
        if n.is_multiple_of(3) {
            statement["Condition"] = json!({
                "StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"},
                "IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.168.0.0/16"]},
            });
        }
        statement
    };
    let mut statements: Vec<Value> = (1..STATEMENTS).map(other).collect();
    statements.push(json!({
        "Effect": "Allow",
        "Action": ["mq:Describe*", "mq:List*"],
        "Resource": "*",
        "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}},
    }));
    json!({"Version": "2012-10-17", "Statement": statements})
}
