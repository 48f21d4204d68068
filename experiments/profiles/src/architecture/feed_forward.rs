//! What a layer does with each token by itself.

/// The feed-forward part of a layer.
#[derive(Clone, Debug, PartialEq)]
pub enum FeedForward {
    /// The same matrices for all tokens.
    Dense(Mlp),
    /// Experts of which each token meets some.
    Sparse(Experts),
}

/// An MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mlp {
    /// Its width.
    pub width: u64,
    /// Its matrices: three with a gate, two without.
    pub matrices: u64,
    /// Whether its matrices have biases.
    pub has_bias: bool,
}

/// Experts.
#[derive(Clone, Debug, PartialEq)]
pub struct Experts {
    /// All of them.
    pub total: u64,
    /// Those that a token is sent to.
    pub chosen: u64,
    /// The MLP of one.
    pub mlp: Mlp,
    /// Width of what they take and give, where that is not the residual stream's.
    pub latent: Option<u64>,
    /// Width of the experts that every token meets; 0 without.
    pub shared_width: u64,
    /// Whether the shared experts have a gate.
    pub has_shared_gate: bool,
    /// Whether the router adds a learnt number for each expert.
    pub has_correction: bool,
}

impl FeedForward {
    /// Its experts, if it has any.
    pub fn experts(&self) -> Option<&Experts> {
        match self {
            FeedForward::Sparse(experts) => Some(experts),
            FeedForward::Dense(_) => None,
        }
    }
}

impl Mlp {
    /// Parameters of its matrices.
    pub fn matrix_params(&self, hidden: u64) -> u64 {
        self.matrices * hidden * self.width
    }

    /// Parameters of its biases.
    pub(super) fn bias_params(&self, hidden: u64) -> u64 {
        if self.has_bias { (self.matrices - 1) * self.width + hidden } else { 0 }
    }
}

impl Experts {
    /// Width of what one takes and gives.
    pub fn hidden(&self, hidden: u64) -> u64 {
        self.latent.unwrap_or(hidden)
    }

    /// Parameters of the matrices of one.
    pub fn matrix_params(&self, hidden: u64) -> u64 {
        self.mlp.matrix_params(self.hidden(hidden))
    }

    /// Parameters of one.
    pub fn params(&self, hidden: u64) -> u64 {
        self.matrix_params(hidden) + self.mlp.bias_params(self.hidden(hidden))
    }
}
