//! Brokers that are only rows: copies of one that runs.

use anyhow::{Result, ensure};
use sqlx::{Connection as _, PgConnection};

/// Makes copies of a broker in another region, one created a microsecond after the other.
pub(crate) async fn make(url: &str, broker: &str, region: &str, count: i64) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let id = broker.strip_prefix("b-").unwrap_or(broker);
    let made = sqlx::query(
        "insert into broker (id, account, region, name, created, spec, configurations, tags, status, instances)
         select gen_random_uuid(), account, $2, 'copy-' || n, created + n, spec, configurations, tags, status, instances
         from broker, generate_series(1, $3) n where id = $1::uuid",
    )
    .bind(id)
    .bind(region)
    .bind(count)
    .execute(&mut connection)
    .await?;
    ensure!(
        i64::try_from(made.rows_affected()) == Ok(count),
        "there is no broker {broker} to copy"
    );
    sqlx::query(
        "insert into broker_user (broker_id, username, password, groups, console_access, replication_user, listed)
         select b.id, u.username, u.password, u.groups, u.console_access, u.replication_user, u.listed
         from broker b, broker_user u where u.broker_id = $1::uuid and b.region = $2",
    )
    .bind(id)
    .bind(region)
    .execute(&mut connection)
    .await?;
    // As the server does by itself after a while.
    for statement in ["vacuum analyze broker", "vacuum analyze broker_user"] {
        sqlx::query(statement).execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(())
}

/// Removes them again: nobody else is to have so many.
pub(crate) async fn remove(url: &str, region: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query("delete from broker where region = $1")
        .bind(region)
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}
