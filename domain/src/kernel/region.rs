//! Regions that have Amazon MQ.

use std::collections::BTreeSet;

use super::id::Region;

/// Those of partition `aws`, because ARNs name that one.
///
/// Source: botocore's endpoints of `mq`, 2026.
const WITH_AMAZON_MQ: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// The regions of partition `aws` in which the service exists.
pub fn amazon_mq_regions() -> BTreeSet<Region> {
    WITH_AMAZON_MQ.iter().filter_map(|name| name.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_of_the_list_is_one() {
        assert_eq!(amazon_mq_regions().len(), WITH_AMAZON_MQ.len());
    }
}
