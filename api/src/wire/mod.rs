//! Requests and answers that are the same in several protocols: structures of one kind, and a codec for each form.
//!
//! A [`Shape`] is read from a [`Value`] and written to one. A codec turns values into bytes and back: forms and XML
//! (AWS query), JSON (AWS JSON), CBOR (Smithy RPC v2). What else the services of AWS JSON 1.1 share is in `aws_json.rs`.

pub(crate) mod aws_json;
pub(crate) mod cbor;
pub(crate) mod form;
pub(crate) mod json;
mod shape;
mod value;
pub(crate) mod xml;

pub(crate) use shape::{Shape, Wrong, members_of, shape};
pub(crate) use value::{Members, Value};
