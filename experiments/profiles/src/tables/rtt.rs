//! Round trips between regions of one cloud.

use super::{Cloud, plain};
use flashcrowd_core::clock::SimDuration;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Within a region where the table has no ping of it (Azure): the upper end of those of AWS and GCP.
pub const WITHIN_REGION: SimDuration = SimDuration::from_us(300);

/// Between two regions, in the order of the names.
type Matrix = BTreeMap<(String, String), SimDuration>;

static MATRICES: LazyLock<[Matrix; 3]> = LazyLock::new(|| {
    [include_str!("data/rtt_aws.csv"), include_str!("data/rtt_gcp.csv"), include_str!("data/rtt_azure.csv")].map(parse)
});

/// A square matrix in ms: the first column is the source, blanks are unknown.
fn parse(text: &str) -> Matrix {
    let mut lines = text.lines();
    let to: Vec<String> = lines.next().unwrap_or_default().split(',').skip(1).map(plain).collect();
    let mut matrix = Matrix::new();
    for line in lines {
        let mut cells = line.split(',');
        let from = plain(cells.next().unwrap_or_default());
        for (to, cell) in to.iter().zip(cells) {
            if let Ok(ms) = cell.parse::<f64>() {
                matrix.insert((from.clone(), to.clone()), SimDuration::from_s_f64(ms / 1e3));
            }
        }
    }
    matrix
}

/// The mean round trip between two regions; where only the other direction was measured, that. `None`
/// for regions of different clouds, and for what the tables do not have.
pub fn rtt(from: (Cloud, &str), to: (Cloud, &str)) -> Option<SimDuration> {
    if from.0 != to.0 {
        return None;
    }
    let (matrix, from, to) = (&MATRICES[from.0 as usize], plain(from.1), plain(to.1));
    let is_known = || matrix.keys().any(|pair| pair.0 == from);
    let there = matrix.get(&(from.clone(), to.clone())).copied();
    let back = || matrix.get(&(to.clone(), from.clone())).copied();
    there.or_else(back).or_else(|| (from == to && is_known()).then_some(WITHIN_REGION))
}

/// The regions of a cloud from which there are round trips, in order of name.
pub fn rtt_regions(cloud: Cloud) -> Vec<&'static str> {
    let mut names: Vec<&str> = MATRICES[cloud as usize].keys().map(|pair| pair.0.as_str()).collect();
    names.dedup();
    names
}
