//! The query protocol of AWS: a form with `Action` and `Version`, answered in XML.
//!
//! Source: "AWS query protocol" of the Smithy specification, "Making query requests" of the IAM user guide.

mod answer;
mod parameters;
mod xml;

pub(crate) use answer::{Output, QueryApi, query_code};
pub(crate) use parameters::Parameters;
pub(crate) use xml::Xml;
