//! The services whose events there are.

use serde::{Deserialize, Serialize};

/// The service that was called, as `eventSource` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventSource {
    /// Amazon MQ.
    ///
    /// Source: "Logging Amazon MQ API calls using AWS CloudTrail" of the developer guide, whose name for it is another
    /// one than that of its actions.
    AmazonMq,
    /// AWS Identity and Access Management.
    Iam,
    /// AWS Security Token Service.
    Sts,
    /// AWS CloudTrail itself.
    CloudTrail,
    /// Amazon CloudWatch Logs.
    Logs,
    /// Amazon CloudWatch.
    CloudWatch,
    /// AWS Resource Groups Tagging API.
    Tagging,
    /// Amazon EC2.
    Ec2,
    /// Amazon CloudWatch Observability Access Manager.
    Oam,
    /// The web console, where people sign in.
    SignIn,
    /// brokerd's own operations.
    Brokerd,
}

impl EventSource {
    /// The services without regions.
    pub const GLOBAL: [Self; 3] = [Self::Iam, Self::Sts, Self::SignIn];

    /// The name in events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AmazonMq => "amazonmq.amazonaws.com",
            Self::Iam => "iam.amazonaws.com",
            Self::Sts => "sts.amazonaws.com",
            Self::CloudTrail => "cloudtrail.amazonaws.com",
            Self::Logs => "logs.amazonaws.com",
            Self::CloudWatch => "monitoring.amazonaws.com",
            Self::Tagging => "tagging.amazonaws.com",
            Self::Ec2 => "ec2.amazonaws.com",
            Self::Oam => "oam.amazonaws.com",
            // Source: "AWS Management Console sign-in events" of the CloudTrail user guide.
            Self::SignIn => "signin.amazonaws.com",
            Self::Brokerd => "brokerd.amazonaws.com",
        }
    }

    /// Whether the service has no regions: its events are told in every one.
    pub fn is_global(self) -> bool {
        Self::GLOBAL.contains(&self)
    }

    /// Whether operations of this service, which has no paths of its own, only read. Those of services with paths are
    /// known by their method.
    ///
    /// Source: the access levels of the service authorization reference. CloudTrail calls those of STS, which write
    /// nothing that lasts, read-only, too.
    pub fn is_read_only(self, operation: &str) -> bool {
        match self {
            Self::Iam => ["Get", "List", "Simulate", "Generate"]
                .iter()
                .any(|prefix| operation.starts_with(prefix)),
            // Queries are begun and ended, and change nothing.
            Self::Logs => ["Describe", "Get", "List", "Filter", "StartQuery", "StopQuery"]
                .iter()
                .any(|prefix| operation.starts_with(prefix)),
            Self::Sts | Self::CloudTrail | Self::Tagging | Self::Ec2 | Self::Oam => true,
            Self::SignIn => false,
            Self::AmazonMq | Self::Brokerd | Self::CloudWatch => {
                ["Describe", "List", "Inspect", "Get"]
                    .iter()
                    .any(|prefix| operation.starts_with(prefix))
            }
        }
    }
}
