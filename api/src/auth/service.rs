//! The services that signatures are made for.

use brokerd_domain::{Region, audit::EventSource};

/// A service, as the scope of a signature names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// Amazon MQ, and brokerd's own operations.
    Mq,
    /// AWS Security Token Service.
    Sts,
    /// AWS Identity and Access Management.
    Iam,
    /// AWS CloudTrail.
    CloudTrail,
    /// Amazon CloudWatch Logs.
    Logs,
    /// Amazon CloudWatch.
    Monitoring,
    /// AWS Resource Groups Tagging API.
    Tagging,
    /// Amazon EC2.
    Ec2,
    /// Amazon CloudWatch Observability Access Manager, which has paths.
    Oam,
}

impl Service {
    /// The services without paths of their own: every request is a `POST /`.
    const WITHOUT_PATHS: &'static [Self] = &[
        Self::Sts,
        Self::Iam,
        Self::CloudTrail,
        Self::Logs,
        Self::Monitoring,
        Self::Tagging,
        Self::Ec2,
    ];

    /// The services without paths of their own.
    pub(crate) fn without_paths() -> impl Iterator<Item = Self> {
        Self::WITHOUT_PATHS.iter().copied()
    }

    /// The services that a request to this path may be signed for.
    pub(super) fn of_path(path: &str) -> &'static [Self] {
        match path {
            "/" => Self::WITHOUT_PATHS,
            _ if path.starts_with("/service/") => &[Self::Monitoring],
            "/ListSinks" | "/ListAttachedLinks" => &[Self::Oam],
            _ => &[Self::Mq],
        }
    }

    /// The service of that name, if it is one of these.
    pub(super) fn named(name: &str, services: &[Self]) -> Option<Self> {
        services.iter().copied().find(|service| service.signing_name() == name)
    }

    /// The name in the scope of signatures.
    pub(crate) const fn signing_name(self) -> &'static str {
        match self {
            Self::Mq => "mq",
            Self::Sts => "sts",
            Self::Iam => "iam",
            Self::CloudTrail => "cloudtrail",
            Self::Logs => "logs",
            Self::Monitoring => "monitoring",
            Self::Tagging => "tagging",
            Self::Ec2 => "ec2",
            Self::Oam => "oam",
        }
    }

    /// The service that a request to this path is of, as events name it.
    pub(super) fn event_source(self, path: &str) -> EventSource {
        match self {
            Self::Mq if path.starts_with("/v1/") => EventSource::AmazonMq,
            Self::Mq => EventSource::Brokerd,
            Self::Sts => EventSource::Sts,
            Self::Iam => EventSource::Iam,
            Self::CloudTrail => EventSource::CloudTrail,
            Self::Logs => EventSource::Logs,
            Self::Monitoring => EventSource::CloudWatch,
            Self::Tagging => EventSource::Tagging,
            Self::Ec2 => EventSource::Ec2,
            Self::Oam => EventSource::Oam,
        }
    }

    /// Whether its requests may be signed for a region that is not configured: those of the services' global endpoints
    /// are signed for us-east-1, and by the SDK for Java for its `Region.AWS_GLOBAL` where the endpoint is another's.
    ///
    /// Source: "AWS Security Token Service endpoints" and "IAM endpoints" of the AWS general reference.
    pub(super) fn is_global_in(self, region: &Region) -> bool {
        matches!(self, Self::Sts | Self::Iam)
            && matches!(region.as_str(), "us-east-1" | "aws-global")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_without_paths_share_the_root_and_amazon_mq_has_every_other_path() {
        for path in ["/v1/brokers", "/brokerd/v1/capacity", "/v1/tags/arn:aws:mq", "//", "/x"] {
            assert_eq!(Service::of_path(path), [Service::Mq], "{path}");
        }
        assert!(!Service::of_path("/").contains(&Service::Mq));
    }

    #[test]
    fn only_identities_have_a_global_endpoint() {
        let [virginia, global, frankfurt] = ["us-east-1", "aws-global", "eu-central-1"]
            .map(|name| name.parse::<Region>().expect("a region"));
        for (service, is_global) in [
            (Service::Mq, false),
            (Service::Sts, true),
            (Service::Iam, true),
            (Service::CloudTrail, false),
            (Service::Logs, false),
            (Service::Monitoring, false),
            (Service::Tagging, false),
            (Service::Ec2, false),
            (Service::Oam, false),
        ] {
            assert_eq!(service.is_global_in(&virginia), is_global, "{service:?}");
            assert_eq!(service.is_global_in(&global), is_global, "{service:?}");
            assert!(!service.is_global_in(&frankfurt), "{service:?}");
        }
    }
}
