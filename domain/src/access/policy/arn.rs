//! Resources in policies.

use super::pattern::{Colons, Pattern, Syntax};

/// Reads a value of `Resource` or `NotResource`: `*`, or an ARN with wildcards and, after the fifth colon, variables.
///
/// An ARN of fewer than six segments goes on with anything.
///
/// # Errors
/// IAM's sentence where it has one.
pub(super) fn resource(text: &str, variables: bool) -> Result<Pattern, String> {
    let syntax =
        Syntax { wildcards: true, variables, ignores_case: false, colons: Colons::Resource };
    let pattern =
        |text: &str| Pattern::parse(text, syntax).map_err(|why| format!("Resource {text} {why}."));
    if text == "*" {
        return pattern(text);
    }
    let segments: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, rest @ ..] = segments.as_slice() else {
        return Err(format!("Resource {text} must be in ARN format or \"*\"."));
    };
    let of_a_partition = |c: char| c.is_ascii_lowercase() || "-*?".contains(c);
    let is_known = *partition == "aws" || partition.starts_with("aws-") || partition.contains('*');
    if !is_known || !partition.chars().all(of_a_partition) {
        return Err(format!("Partition \"{partition}\" is not valid for resource \"{text}\"."));
    }
    let [service, rest @ ..] = rest else {
        return Err(
            "Resource vendor must be fully qualified and cannot contain regexes.".to_owned()
        );
    };
    let of_a_service = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if service.is_empty() || !service.chars().all(of_a_service) {
        return Err(
            "Resource vendor must be fully qualified and cannot contain regexes.".to_owned()
        );
    }
    // Variables have colons, too, so that none can be before the fifth one unless a segment begins with it.
    if variables && rest.iter().take(2).any(|segment| segment.contains("${")) {
        return Err(format!(
            "Resource {text} has a variable before the fifth colon. Variables can only be in the part after it."
        ));
    }
    if segments.len() < 6 && !text.ends_with('*') {
        return pattern(&format!("{text}:*"));
    }
    pattern(text)
}
