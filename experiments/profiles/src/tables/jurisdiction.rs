//! Under whose law a region lies: the product's own table. `us`, `eu` (European Union) and else the
//! country by its two letters, with `uk` for the United Kingdom.

use super::{Cloud, plain};

/// Prefixes of region names, the first that fits holds.
const AWS: &[(&str, &str)] = &[
    ("us-", "us"),
    ("eu-west-2", "uk"),
    ("eu-central-2", "ch"),
    ("eu-", "eu"),
    ("ca-", "ca"),
    ("mx-", "mx"),
    ("sa-east-1", "br"),
    ("af-south-1", "za"),
    ("me-south-1", "bh"),
    ("me-central-1", "ae"),
    ("il-central-1", "il"),
    ("ap-east-1", "hk"),
    ("ap-east-2", "tw"),
    ("ap-northeast-2", "kr"),
    ("ap-northeast-", "jp"),
    ("ap-south-", "in"),
    ("ap-southeast-1", "sg"),
    ("ap-southeast-2", "au"),
    ("ap-southeast-3", "id"),
    ("ap-southeast-4", "au"),
    ("ap-southeast-5", "my"),
    ("ap-southeast-6", "nz"),
    ("ap-southeast-7", "th"),
];

const GCP: &[(&str, &str)] = &[
    ("us-", "us"),
    ("europe-west2", "uk"),
    ("europe-west6", "ch"),
    ("europe-", "eu"),
    ("northamerica-northeast", "ca"),
    ("northamerica-south", "mx"),
    ("southamerica-east", "br"),
    ("southamerica-west", "cl"),
    ("asia-east1", "tw"),
    ("asia-east2", "hk"),
    ("asia-northeast3", "kr"),
    ("asia-northeast", "jp"),
    ("asia-south1", "in"),
    ("asia-south2", "in"),
    ("asia-southeast1", "sg"),
    ("asia-southeast2", "id"),
    ("asia-southeast3", "th"),
    ("australia-", "au"),
    ("me-west1", "il"),
    ("me-central1", "qa"),
    ("me-central2", "sa"),
    ("africa-south1", "za"),
];

const AZURE: &[(&str, &str)] = &[
    ("australia", "au"),
    ("brazil", "br"),
    ("canada", "ca"),
    ("centralindia", "in"),
    ("southindia", "in"),
    ("westindia", "in"),
    ("jioindia", "in"),
    ("centralus", "us"),
    ("eastus", "us"),
    ("northcentralus", "us"),
    ("southcentralus", "us"),
    ("westcentralus", "us"),
    ("westus", "us"),
    ("eastasia", "hk"),
    ("southeastasia", "sg"),
    ("france", "eu"),
    ("germany", "eu"),
    ("italy", "eu"),
    ("northeurope", "eu"),
    ("westeurope", "eu"),
    ("poland", "eu"),
    ("spain", "eu"),
    ("sweden", "eu"),
    ("austria", "eu"),
    ("belgium", "eu"),
    ("denmark", "eu"),
    ("finland", "eu"),
    ("norway", "no"),
    ("switzerland", "ch"),
    ("uksouth", "uk"),
    ("ukwest", "uk"),
    ("indonesia", "id"),
    ("malaysia", "my"),
    ("israel", "il"),
    ("japan", "jp"),
    ("korea", "kr"),
    ("mexico", "mx"),
    ("newzealand", "nz"),
    ("qatar", "qa"),
    ("southafrica", "za"),
    ("uae", "ae"),
    ("chile", "cl"),
    ("taiwan", "tw"),
];

/// The jurisdiction of a region; `None` for one that the table does not know.
pub fn jurisdiction(cloud: Cloud, region: &str) -> Option<&'static str> {
    let table = match cloud {
        Cloud::Aws => AWS,
        Cloud::Gcp => GCP,
        Cloud::Azure => AZURE,
    };
    let region = plain(region);
    table.iter().find(|row| region.starts_with(row.0)).map(|row| row.1)
}
