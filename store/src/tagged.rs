//! Everything in a scope that has tags.

use brokerd_domain::{Scope, Tags};
use serde_json::{Value, json};

use crate::kernel::{
    PgStore, StoreError,
    json::{Raw, read_json},
};

/// Which tagged resources are meant: those that fulfil all of this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaggedFilter {
    /// Of these types, `mq:broker`, or of these services, `mq`; none: of any.
    pub types: Vec<String>,
    /// With each of these keys, and one of the values; without values: with any.
    pub tags: Vec<(String, Vec<String>)>,
    /// With one of these ARNs; none: with any.
    pub arns: Vec<String>,
}

/// A resource with tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedResource {
    /// Its ARN.
    pub arn: String,
    /// Its tags, of which there are some.
    pub tags: Tags,
}

impl PgStore {
    /// Brokers, configurations and alarms that have tags, by ARN, those after `after`, without those that can't be read.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn tagged_resources(
        &self,
        scope: &Scope,
        filter: &TaggedFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<TaggedResource>, StoreError> {
        let tags = filter.tags.iter().map(|(key, values)| json!({"key": key, "values": values}));
        let tags: Value = tags.collect();
        let rows = sqlx::query!(
            r#"select r.arn as "arn!", r.tags as "tags!: Raw"
               from (
                 select 'arn:aws:mq:' || region || ':' || account || ':broker:' || name || ':b-' || id as arn, tags,
                        'mq:broker' as kind
                 from broker where account = $1 and region = $2
                 union all
                 select 'arn:aws:mq:' || region || ':' || account || ':configuration:c-' || id, tags,
                        'mq:configuration'
                 from configuration where account = $1 and region = $2
                 union all
                 select 'arn:aws:cloudwatch:' || region || ':' || account || ':alarm:' || name, tags,
                        'cloudwatch:alarm'
                 from alarm where account = $1 and region = $2
               ) as r
               where r.tags <> '{}'
                 and (cardinality($3::text[]) = 0 or r.kind = any($3) or split_part(r.kind, ':', 1) = any($3))
                 and not exists (
                   select from jsonb_array_elements($4::jsonb) as f
                   where not (r.tags ? (f ->> 'key')
                              and (f -> 'values' = '[]' or f -> 'values' ? (r.tags ->> (f ->> 'key')))))
                 and (cardinality($5::text[]) = 0 or r.arn = any($5))
                 and ($6::text is null or r.arn collate "C" > $6)
               order by r.arn collate "C" limit $7"#,
            scope.account.as_str(),
            scope.region.as_str(),
            &filter.types,
            tags,
            &filter.arns,
            after,
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |arn: String, tags: &Raw| {
            let tags = self.skipped.keep("broker", &arn, read_json("broker", &arn, tags))?;
            Some(TaggedResource { arn, tags })
        };
        Ok(rows.into_iter().filter_map(|row| read(row.arn, &row.tags)).collect())
    }
}
