//! When access keys were last used. Calls only note it in memory; every minute what was noted is written at once, so that no
//! call waits for it, and a key that signs a thousand calls a second costs a row a minute.

use std::collections::HashMap;

use brokerd_domain::{
    Region, Timestamp,
    identity::{AccessKeyId, KeyUse},
};

use super::access_keys::read_use;
use crate::kernel::{PgStore, StoreError};

impl PgStore {
    /// Notes that a key has signed a call for `service`, as the signature names it. Other processes know it when this one
    /// has written it.
    pub fn note_key_use(&self, id: &str, service: &'static str, region: &Region, at: Timestamp) {
        self.key_uses.note(id, service, region, at);
    }

    /// When a key was last used, as far as this process and the database know; none: never, or there is no such key.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn key_use(&self, id: &AccessKeyId) -> Result<Option<KeyUse>, StoreError> {
        let row = sqlx::query!(
            "select last_used, last_used_service, last_used_region from access_key where id = $1",
            id.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let written =
            read_use(id.as_str(), row.last_used, row.last_used_service, row.last_used_region)?;
        let noted = self.key_uses.of(id.as_str());
        Ok([written, noted].into_iter().flatten().max_by_key(|used| used.at))
    }

    /// Writes what was noted; how many keys that were. What another process has written of a later use stays.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; then it is written the next time.
    pub async fn write_key_uses(&self) -> Result<usize, StoreError> {
        let uses = self.key_uses.take();
        if uses.is_empty() {
            return Ok(0);
        }
        let written = self.write_uses(&uses).await;
        if written.is_err() {
            self.key_uses.put_back(uses);
            return written.map(|()| 0);
        }
        Ok(uses.len())
    }

    async fn write_uses(&self, uses: &HashMap<String, KeyUse>) -> Result<(), StoreError> {
        let ids: Vec<String> = uses.keys().cloned().collect();
        let at: Vec<i64> = uses.values().map(|used| used.at.as_micros()).collect();
        let services: Vec<String> = uses.values().map(|used| used.service.to_string()).collect();
        let regions: Vec<String> = uses.values().map(|used| used.region.to_string()).collect();
        // Locked in one order, so that two processes with the same keys don't lock each other out.
        sqlx::query!(
            "with used as (
               select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[])
                 as u (id, at, service, region)
             ), locked as (
               select k.id from access_key k join used on used.id = k.id
               where k.last_used is null or k.last_used < used.at
               order by k.id for no key update of k
             )
             update access_key k
             set last_used = used.at, last_used_service = used.service, last_used_region = used.region
             from used join locked on locked.id = used.id
             where k.id = used.id",
            &ids,
            &at,
            &services,
            &regions
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
