//! DescribeAlarmHistory.

use brokerd_domain::{
    Timestamp,
    alarm::{HistoryItem, HistoryItemType},
    metric::query::CloudWatchError,
};
use brokerd_store::{HistoryFilter, HistoryPage};

use super::{
    super::{
        call::{Answer, Call, output},
        token::{Pages, invalid_token},
    },
    describe::{has_no_metric_alarms, records},
    resource::{any, named},
};
use crate::{auth::TagChange, wire::shape};

/// Items of a page where nothing else is said.
const PER_PAGE: u32 = 100;

shape! {
    DescribeAlarmHistoryInput {
        name: Option<String> = "AlarmName",
        contributor: Option<String> = "AlarmContributorId",
        types: Vec<String> = "AlarmTypes",
        kind: Option<String> = "HistoryItemType",
        start: Option<Timestamp> = "StartDate",
        end: Option<Timestamp> = "EndDate",
        max_records: Option<i64> = "MaxRecords",
        next_token: Option<String> = "NextToken",
        scan_by: Option<String> = "ScanBy",
    }
}

shape! {
    /// `AlarmHistoryItem`.
    AlarmHistoryItem {
        alarm: String = "AlarmName",
        alarm_type: String = "AlarmType",
        at: Timestamp = "Timestamp",
        kind: String = "HistoryItemType",
        summary: String = "HistorySummary",
        data: String = "HistoryData",
    }
}

shape! {
    DescribeAlarmHistoryOutput {
        items: Vec<AlarmHistoryItem> = "AlarmHistoryItems",
        next_token: Option<String> = "NextToken",
    }
}

pub(super) async fn answer(call: Call<'_>, mut input: DescribeAlarmHistoryInput) -> Answer {
    let token = input.next_token.take();
    let pages = Pages::of(&input);
    let permit = match &input.name {
        Some(name) => named(call, name, TagChange::None).await?.0,
        None => any(call)?,
    };
    let limit = records(input.max_records, PER_PAGE)?;
    let oldest_first = match input.scan_by.as_deref() {
        None | Some("TimestampDescending") => false,
        Some("TimestampAscending") => true,
        Some(_) => {
            let message = "The parameter ScanBy must be TimestampDescending or TimestampAscending.";
            return Err(CloudWatchError::validation(message).into());
        }
    };
    let kind = input.kind.as_deref().map(parse_kind).transpose()?;
    let after = match token {
        None => None,
        Some(token) => Some(pages.position(&token)?.parse().map_err(|_| invalid_token())?),
    };
    // Contributors are those of alarms that brokerd has not, and so are the types of items about them.
    let is_none = has_no_metric_alarms(&input.types)?
        || input.contributor.is_some()
        || kind == Some(Kind::OfOthers);
    let page = if is_none {
        HistoryPage { items: Vec::new(), next: None }
    } else {
        let filter = HistoryFilter {
            alarm: input.name,
            kind: match kind {
                Some(Kind::Known(kind)) => Some(kind),
                Some(Kind::OfOthers) | None => None,
            },
            from: input.start,
            to: input.end,
            oldest_first,
        };
        permit.store.alarm_history(&permit.scope, &filter, after, limit).await?
    };
    output(DescribeAlarmHistoryOutput {
        items: page.items.into_iter().map(Into::into).collect(),
        next_token: page.next.map(|next| pages.token(&next.to_string())),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Known(HistoryItemType),
    OfOthers,
}

fn parse_kind(text: &str) -> Result<Kind, CloudWatchError> {
    if let Some(known) = HistoryItemType::ALL.iter().find(|known| known.as_str() == text) {
        return Ok(Kind::Known(*known));
    }
    if ["AlarmContributorStateUpdate", "AlarmContributorAction"].contains(&text) {
        return Ok(Kind::OfOthers);
    }
    Err(CloudWatchError::validation(
        "The parameter HistoryItemType must be ConfigurationUpdate, StateUpdate or Action.",
    ))
}

impl From<HistoryItem> for AlarmHistoryItem {
    fn from(item: HistoryItem) -> Self {
        Self {
            alarm: item.alarm,
            alarm_type: "MetricAlarm".to_owned(),
            at: item.at,
            kind: item.kind.to_string(),
            summary: item.summary,
            data: item.data,
        }
    }
}
