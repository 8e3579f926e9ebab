//! tmp
use crate::*;
/// tmp
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "tmp")]
pub struct SanitizationWarning {
    pub element_name: String,
    pub attribute_name: Option<String>,
    pub reason: SanitizationWarningReason,
}
/// tmp
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "tmp")]
pub enum SanitizationWarningReason {
    DisallowedElementRemoved,
}
impl SanitizationWarningReason {
    /// tmp
    pub const fn as_str(self) -> &'static str {
        "DISALLOWED_ELEMENT_REMOVED"
    }
}
/// tmp
#[derive(Debug)]
#[expect(missing_docs, reason = "tmp")]
pub struct Sanitised {
    pub data: String,
    pub warnings: Vec<SanitizationWarning>,
}
/// tmp
pub(crate) fn sanitise_activemq(
    _: EngineVersion,
    _: AuthenticationStrategy,
    d: &str,
) -> Result<Sanitised, Error> {
    Ok(Sanitised { data: d.to_owned(), warnings: Vec::new() })
}
