//! How tests read events: all of them, and as LookupEvents tells them.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request},
};
use brokerd_api::sigv4;
use brokerd_domain::{
    Scope,
    audit::{EventLookup, LookupAttribute},
};
use serde_json::Value;
use sqlx::Row as _;
use uuid::Uuid;

use crate::support::{Client, Reply, TestApi};

const TARGET: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.";

impl TestApi {
    /// The records in the database now, oldest first.
    pub(crate) async fn records_now(&self) -> Vec<Value> {
        let mut connection = self.connection().await;
        let rows = sqlx::query("select at, id, record from audit_event where record is not null")
            .fetch_all(&mut connection)
            .await
            .expect("read");
        let mut records: BTreeMap<(i64, Uuid), String> =
            rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect();
        let regions = sqlx::query("select distinct account, region from audit_read_batch")
            .fetch_all(&mut connection)
            .await
            .expect("read");
        for row in &regions {
            let text = |column| row.get::<String, usize>(column);
            let account = text(0).parse().expect("an account");
            let scope = Scope { account, region: text(1).parse().expect("a region") };
            let attribute = Some(LookupAttribute::ReadOnly(true));
            let mut lookup =
                EventLookup { attribute, start: None, end: None, most: 50, after: None };
            loop {
                let page = self.store.lookup_events(&scope, &lookup).await.expect("read");
                let found = page.events.into_iter();
                records.extend(found.map(|event| ((event.at.as_micros(), event.id), event.record)));
                lookup.after = page.next;
                if page.next.is_none() {
                    break;
                }
            }
        }
        records.values().map(|record| serde_json::from_str(record).expect("JSON")).collect()
    }

    /// The records, once all of them are written.
    pub(crate) async fn records(&self) -> Vec<Value> {
        self.audit.flush(&self.store).await;
        self.records_now().await
    }

    pub(crate) async fn cloudtrail(&self, region: &str, operation: &str, body: &Value) -> Reply {
        let client = Client::new("AKIAALICE", "alice-secret", region);
        self.cloudtrail_as(&client, operation, body).await
    }

    pub(crate) async fn cloudtrail_as(
        &self,
        client: &Client,
        operation: &str,
        body: &Value,
    ) -> Reply {
        let mut credentials = client.credentials.clone();
        credentials.service = "cloudtrail".to_owned();
        let body = body.to_string();
        let text = |text: &str| HeaderValue::from_str(text).expect("a header");
        let mut headers = HeaderMap::new();
        headers.insert("host", text("brokerd.example:8170"));
        headers.insert("x-amz-target", text(&format!("{TARGET}{operation}")));
        let request = sigv4::Request {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            authority: None,
            body: body.as_bytes(),
        };
        let now = brokerd_domain::Clock::now(&*self.clock);
        headers.extend(sigv4::sign(&request, &credentials, now));
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = Method::POST;
        *request.headers_mut() = headers;
        self.send(request).await
    }
}
