//! Changes that are made by commands on the host: each is an event, written with the change as those of the API are.

use std::{fs, os::unix::fs::MetadataExt as _, sync::Arc};

use brokerd_domain::{
    AccountId, Clock as _, Entropy as _, Region, Tags,
    audit::{ApiCall, AuditEvent, CallerIdentity, EventSource, Outcome, RequestParameters, What},
    policy::{Principal, PrincipalKind},
};
use brokerd_store::{AuditedCall, PgStore};
use serde_json::{Map, Value};

use crate::{
    config::Configuration,
    system::{OsEntropy, SystemClock},
};

/// Where commands are typed, in place of an address.
const HOST: &str = "host";

/// Makes changes for a command on the host.
pub(super) struct HostCalls {
    /// For reading. Changes are made with the store that [`Self::call`] hands out.
    pub(super) store: PgStore,
    /// The operator's account, whose events those of accounts are.
    pub(super) operator: AccountId,
    region: Region,
    command: &'static str,
    user: String,
}

/// What is to be done.
pub(super) struct HostCall<'a> {
    /// Whose event it is.
    pub(super) account: &'a AccountId,
    /// The service that would be called.
    pub(super) source: EventSource,
    /// The operation that would be called.
    pub(super) operation: &'static str,
    /// Its parameters, an object.
    pub(super) parameters: Value,
}

impl HostCalls {
    /// Changes by `command`, such as `brokerd key`.
    pub(super) fn new(
        store: PgStore,
        configuration: &Configuration,
        command: &'static str,
    ) -> Self {
        Self {
            store,
            operator: configuration.account.clone(),
            region: configuration.region.clone(),
            command,
            user: user(),
        }
    }

    /// Makes a change with the store that it is handed. Whatever that writes takes the event along.
    ///
    /// # Errors
    /// What `work` says, which the event tells; when the end of the event can't be written.
    pub(super) async fn call<T>(
        &self,
        call: HostCall<'_>,
        work: impl AsyncFnOnce(PgStore) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.call_answered(call, work, |_| None).await
    }

    /// The same with an event that tells what was made: `answer` gives the members.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub(super) async fn call_answered<T>(
        &self,
        call: HostCall<'_>,
        work: impl AsyncFnOnce(PgStore) -> anyhow::Result<T>,
        answer: impl FnOnce(&T) -> Option<Map<String, Value>>,
    ) -> anyhow::Result<T> {
        let event = self.event(call);
        let audited = Arc::new(AuditedCall::default());
        audited.begin(event.clone());
        let done = audited.scope(work(self.store.audited())).await;
        let outcome = match &done {
            Ok(done) => answer(done).map_or(Outcome::Answered(None), Outcome::answered_with),
            Err(error) => {
                Outcome::Refused { code: "Failed".to_owned(), message: format!("{error:#}") }
            }
        };
        let mut event = event;
        if let What::ApiCall(call) = &mut event.what {
            call.outcome = outcome;
        }
        let recorded = self.store.record_host_call(&event).await;
        let done = done?;
        recorded?;
        Ok(done)
    }

    /// The root of the operator's account, as whom commands act.
    fn root(&self) -> Principal {
        let account = self.operator.clone();
        let (kind, tags) = (PrincipalKind::Root, Tags::default());
        Principal { account, kind, tags, token_issued: None }
    }

    fn event(&self, call: HostCall<'_>) -> AuditEvent {
        let mut parameters = RequestParameters::default();
        if let Value::Object(members) = call.parameters {
            parameters.add_members(members);
        }
        AuditEvent {
            id: OsEntropy.uuid(),
            at: SystemClock.now(),
            account: call.account.clone(),
            region: self.region.clone(),
            what: What::ApiCall(Box::new(ApiCall {
                source: call.source,
                name: call.operation.to_owned(),
                read_only: false,
                request_id: OsEntropy.uuid(),
                caller: CallerIdentity::new(self.root(), ""),
                on_host: Some(self.user.clone()),
                source_ip: HOST.to_owned(),
                user_agent: Some(self.command.to_owned()),
                request_parameters: parameters.into_element(),
                outcome: Outcome::Open,
            })),
        }
    }
}

/// The name of the user of this process, or its number.
fn user() -> String {
    let Ok(process) = fs::metadata("/proc/self") else { return "unknown".to_owned() };
    let number = process.uid().to_string();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(&number, &users).map_or_else(|| format!("uid {number}"), str::to_owned)
}

fn name_of<'a>(number: &str, users: &'a str) -> Option<&'a str> {
    users.lines().find_map(|line| {
        let mut columns = line.split(':');
        let name = columns.next().filter(|name| !name.is_empty())?;
        (columns.nth(1)? == number).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_called_as_the_host_calls_it() {
        let users = "root:x:0:0:root:/root:/bin/sh\n:x:7:7::/:\nbroken\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(name_of("0", users), Some("root"));
        assert_eq!(name_of("1000", users), Some("alice"));
        for nobody in ["7", "100", ""] {
            assert_eq!(name_of(nobody, users), None, "{nobody}");
        }
    }
}
