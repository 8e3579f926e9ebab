//! Users, groups, roles and policies as answers show them.

use brokerd_domain::{
    Tags, Timestamp,
    identity::{Group, IamArn, ManagedPolicy, PolicyDocument, Role, User},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::query::Xml;

/// What documents are escaped but for. Source: "URL-encoded compliant with RFC 3986" in the API reference.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A moment, in whole seconds.
pub(crate) fn moment(at: Timestamp) -> String {
    match jiff::Timestamp::from_second(at.as_seconds()) {
        Ok(moment) => moment.to_string(),
        Err(_) => at.to_string(),
    }
}

/// A document as a text of an answer.
pub(super) fn document(xml: &mut Xml, name: &str, document: &PolicyDocument) {
    xml.text(name, utf8_percent_encode(document.as_str(), ESCAPED));
}

/// A list of tags.
pub(super) fn tags(xml: &mut Xml, tags: &Tags) {
    xml.list("Tags", tags.as_map(), |xml, (key, value)| tag(xml, key, value));
}

/// The members of a tag.
pub(super) fn tag(xml: &mut Xml, key: &str, value: &str) {
    xml.text("Key", key);
    xml.text("Value", value);
}

/// The permissions boundary, if there is one. Its type is the one that the service answers; the model has another.
pub(super) fn boundary(xml: &mut Xml, arn: Option<&IamArn>) {
    if let Some(arn) = arn {
        xml.element("PermissionsBoundary", |xml| {
            xml.text("PermissionsBoundaryType", "Policy");
            xml.text("PermissionsBoundaryArn", arn);
        });
    }
}

/// The members of a user as lists have them.
pub(super) fn listed_user(xml: &mut Xml, user: &User) {
    xml.text("Path", &user.path);
    xml.text("UserName", &user.name);
    xml.text("UserId", &user.id);
    xml.text("Arn", user.arn());
    xml.text("CreateDate", moment(user.created));
}

/// All members of a user. Only what is there is shown.
pub(super) fn user(xml: &mut Xml, user: &User) {
    listed_user(xml, user);
    boundary(xml, user.boundary.as_ref());
    if !user.tags.as_map().is_empty() {
        tags(xml, &user.tags);
    }
}

/// The members of a group.
pub(super) fn group(xml: &mut Xml, group: &Group) {
    xml.text("Path", &group.path);
    xml.text("GroupName", &group.name);
    xml.text("GroupId", &group.id);
    xml.text("Arn", group.arn());
    xml.text("CreateDate", moment(group.created));
}

/// The members of a role as lists have them.
pub(super) fn listed_role(xml: &mut Xml, role: &Role) {
    xml.text("Path", &role.path);
    xml.text("RoleName", &role.name);
    xml.text("RoleId", &role.id);
    xml.text("Arn", role.arn());
    xml.text("CreateDate", moment(role.created));
    document(xml, "AssumeRolePolicyDocument", &role.trust_policy);
    if !role.description.is_empty() {
        xml.text("Description", &role.description);
    }
    xml.text("MaxSessionDuration", role.longest_session.as_seconds());
}

/// All members of a role. Only what is there is shown.
pub(super) fn role(xml: &mut Xml, role: &Role) {
    listed_role(xml, role);
    boundary(xml, role.boundary.as_ref());
    if !role.tags.as_map().is_empty() {
        tags(xml, &role.tags);
    }
}

/// The members of a managed policy as lists have them.
pub(super) fn listed_policy(xml: &mut Xml, policy: &ManagedPolicy) {
    xml.text("PolicyName", &policy.name);
    xml.text("PolicyId", &policy.id);
    xml.text("Arn", policy.arn());
    xml.text("Path", &policy.path);
    xml.text("DefaultVersionId", policy.default_version);
    xml.text("AttachmentCount", policy.attachments);
    xml.text("PermissionsBoundaryUsageCount", policy.bounded);
    xml.text("IsAttachable", true);
    xml.text("CreateDate", moment(policy.created));
    xml.text("UpdateDate", moment(policy.updated));
}

/// All members of a managed policy. Only what is there is shown.
pub(super) fn policy(xml: &mut Xml, policy: &ManagedPolicy) {
    listed_policy(xml, policy);
    if !policy.description.is_empty() {
        xml.text("Description", &policy.description);
    }
    if !policy.tags.as_map().is_empty() {
        tags(xml, &policy.tags);
    }
}

/// The members of a policy that is attached.
pub(super) fn attached(xml: &mut Xml, arn: &IamArn) {
    if let IamArn::Policy(_, _, name) = arn {
        xml.text("PolicyName", name);
    }
    xml.text("PolicyArn", arn);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_whole_seconds() {
        assert_eq!(moment(Timestamp::from_micros(1_790_000_000_987_654)), "2026-09-21T14:13:20Z");
    }

    #[test]
    fn documents_are_escaped_as_in_urls() {
        let text = PolicyDocument::parse("{\"a\": \"b-c_d.e~f+g\"}").expect("a document");
        let xml = Xml::document("a", "b", |xml| document(xml, "D", &text));
        assert!(xml.contains("<D>%7B%22a%22%3A%20%22b-c_d.e~f%2Bg%22%7D</D>"), "{xml}");
    }
}
