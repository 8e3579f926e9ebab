//! Columns of JSON.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use sqlx::types::{Json, JsonRawValue};

use super::error::StoreError;

/// JSON as the database sent it. It is parsed once, into the type that it stands for.
pub(crate) type Raw = Json<Box<JsonRawValue>>;

/// The value of a column of JSON.
pub(crate) fn read_json<T: DeserializeOwned>(
    table: &'static str,
    row: impl Display,
    column: &Raw,
) -> Result<T, StoreError> {
    serde_json::from_str(column.0.get())
        .map_err(|error| StoreError::Inconsistent { table, what: format!("{row}: {error}") })
}
