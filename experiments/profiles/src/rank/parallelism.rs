//! How the ranks of an engine share a model.

use crate::architecture::{Architecture, Attention, Experts};
use std::fmt;

/// Ranks of an engine: `tensor * data` in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parallelism {
    /// Ranks that split each matrix (TP).
    pub tensor: u32,
    /// Replicas of the attention, among which sequences are dealt (attention DP).
    pub data: u32,
    /// Ranks among which whole experts are dealt (EP); 1: each expert is split instead.
    pub expert: u32,
}

/// Most ranks along one of the three.
pub const MOST_RANKS: u32 = 4_096;

/// Why ranks cannot share a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParallelismError {
    /// A number that is 0, or more ranks than any engine has.
    #[error("`{name}` is {value}: expected 1 to {MOST_RANKS}")]
    Count {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: u32,
    },
    /// Heads that do not go up.
    #[error("{heads} heads cannot be split among tp {tensor}")]
    Heads {
        /// Heads of a layer.
        heads: u64,
        /// Ranks that split them.
        tensor: u32,
    },
    /// Heads of keys that neither go up nor are repeated whole.
    #[error("{heads} heads of keys cannot be split among tp {tensor}, nor repeated evenly")]
    KeyHeads {
        /// Heads of keys of a layer.
        heads: u64,
        /// Ranks that split them.
        tensor: u32,
    },
    /// Experts that do not go up.
    #[error("{experts} experts cannot be dealt among ep {expert}")]
    Experts {
        /// Experts of a layer.
        experts: u64,
        /// Ranks among which they are dealt.
        expert: u32,
    },
    /// Experts are dealt among more ranks than there are, or not evenly.
    #[error("ep {expert} does not divide the {ranks} ranks (tp {tensor} times dp {data})")]
    Ranks {
        /// `ep`.
        expert: u32,
        /// All ranks.
        ranks: u32,
        /// `tp`.
        tensor: u32,
        /// `dp`.
        data: u32,
    },
    /// Expert parallelism of a model without experts.
    #[error("ep {0} is given, and the model has no experts")]
    NoExperts(u32),
}

impl fmt::Display for Parallelism {
    /// `tp2`, and `tp2-dp4-ep8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parallelism { tensor, data, expert } = self;
        write!(f, "tp{tensor}")?;
        if *data > 1 {
            write!(f, "-dp{data}")?;
        }
        if *expert > 1 { write!(f, "-ep{expert}") } else { Ok(()) }
    }
}

impl Parallelism {
    /// So many ranks that split each matrix.
    pub const fn tensor(tensor: u32) -> Self {
        Parallelism { tensor, data: 1, expert: 1 }
    }

    /// All ranks.
    pub const fn ranks(self) -> u32 {
        self.tensor * self.data
    }

    /// Whether ranks can share `model` so.
    ///
    /// # Errors
    /// The first number that does not go up.
    pub fn check(self, model: &Architecture) -> Result<(), ParallelismError> {
        let Parallelism { tensor, data, expert } = self;
        for (name, value) in [("tp", tensor), ("dp", data), ("ep", expert)] {
            if !(1..=MOST_RANKS).contains(&value) {
                return Err(ParallelismError::Count { name, value });
            }
        }
        let ranks = self.ranks();
        if !ranks.is_multiple_of(expert) {
            return Err(ParallelismError::Ranks { expert, ranks, tensor, data });
        }
        for attention in model.attentions() {
            let heads = attention.heads();
            if !heads.is_multiple_of(u64::from(tensor)) {
                return Err(ParallelismError::Heads { heads, tensor });
            }
            if let Attention::Grouped(grouped) = attention {
                let (few, many) = (grouped.kv_heads.min(u64::from(tensor)), grouped.kv_heads.max(u64::from(tensor)));
                if !many.is_multiple_of(few) {
                    return Err(ParallelismError::KeyHeads { heads: grouped.kv_heads, tensor });
                }
            }
        }
        if expert > 1 && model.experts().next().is_none() {
            return Err(ParallelismError::NoExperts(expert));
        }
        match model.experts().find(|experts| !experts.total.is_multiple_of(u64::from(expert))) {
            Some(experts) => Err(ParallelismError::Experts { experts: experts.total, expert }),
            None => Ok(()),
        }
    }

    /// Ranks that split one expert: all of those among which no whole experts are dealt.
    pub fn ranks_of_an_expert(self) -> f64 {
        f64::from(self.ranks()) / f64::from(self.expert)
    }

    /// Experts of a layer that a rank holds, as a whole or in part.
    pub fn experts_of_a_rank(self, experts: &Experts) -> f64 {
        experts.total as f64 / f64::from(self.expert)
    }
}
