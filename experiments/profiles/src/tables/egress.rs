//! What traffic costs that leaves a zone, a region or the cloud.

use super::Cloud;

/// Dollars per GB of 10^9 bytes, charged to the sender. First tier, within North America and Europe;
/// defaults, to be overridden by one's own contract.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EgressRates {
    /// To the internet.
    pub internet: f64,
    /// To another region of the cloud.
    pub inter_region: f64,
    /// To another zone of the region.
    pub inter_zone: f64,
}

/// The default rates of a cloud. All from memory of the public price lists; not read for this table.
///
/// | cloud | from |
/// | --- | --- |
/// | AWS | EC2 on-demand pricing, "Data Transfer": $0.09 out, $0.02 between regions, $0.01 each way between zones |
/// | GCP | VPC network pricing: $0.12 out (premium tier), $0.02 between regions of North America, $0.01 between zones |
/// | Azure | Bandwidth pricing: $0.087 out, $0.02 within a continent, nothing between zones |
pub fn egress(cloud: Cloud) -> EgressRates {
    let (internet, inter_region, inter_zone) = match cloud {
        Cloud::Aws => (0.09, 0.02, 0.01),
        Cloud::Gcp => (0.12, 0.02, 0.01),
        Cloud::Azure => (0.087, 0.02, 0.0),
    };
    EgressRates { internet, inter_region, inter_zone }
}
