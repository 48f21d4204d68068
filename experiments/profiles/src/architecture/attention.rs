//! How the tokens of a layer see each other.

/// The attention part of a layer.
#[derive(Clone, Debug, PartialEq)]
pub enum Attention {
    /// Heads that share keys and values in groups (multi-head, grouped-query, multi-query).
    Grouped(Grouped),
    /// Multi-head latent attention: one compressed row a token.
    Latent(Latent),
    /// A gated delta net: a state a sequence, whatever its length.
    DeltaNet(DeltaNet),
    /// A Mamba-2 mixer: a state a sequence, whatever its length.
    Mamba(Mamba),
}

/// Grouped-query attention.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouped {
    /// Query heads.
    pub query_heads: u64,
    /// Heads of keys and values.
    pub kv_heads: u64,
    /// Width of a head of queries and keys.
    pub head: u64,
    /// Width of a head of values.
    pub value_head: u64,
    /// Whether queries come with a gate of the same size.
    pub is_gated: bool,
    /// How far back it sees.
    pub reach: Reach,
    /// Norms of queries and keys.
    pub qk_norm: QkNorm,
    /// Biases of queries, keys and values.
    pub has_bias: bool,
    /// A bias of the output matrix.
    pub has_output_bias: bool,
}

/// How far back a layer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the first token.
    Full,
    /// So many tokens: a sliding window, or a chunk.
    Window(u64),
}

/// Norms of queries and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QkNorm {
    /// None.
    None,
    /// Over each head: one vector for queries, one for keys.
    Head,
    /// Over all heads together: ranks must talk to each other.
    Layer,
}

/// Latent attention.
#[derive(Clone, Debug, PartialEq)]
pub struct Latent {
    /// Query heads.
    pub query_heads: u64,
    /// Rank of the compressed query; one full matrix without.
    pub query_rank: Option<u64>,
    /// Rank of the compressed keys and values.
    pub kv_rank: u64,
    /// Width of a query head without position.
    pub nope: u64,
    /// Width of a query head with position; shared by all heads among keys.
    pub rope: u64,
    /// Width of a value head.
    pub value: u64,
    /// What chooses the tokens that are read.
    pub index: Option<Index>,
}

/// An index over all tokens, which chooses those that attention reads (`DeepSeek` sparse attention).
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// Heads.
    pub heads: u64,
    /// Width of a head.
    pub width: u64,
    /// Tokens that are chosen.
    pub top: u64,
    /// Whether the layer has an index of its own, and does not share that of one before.
    pub is_own: bool,
}

/// A gated delta net.
#[derive(Clone, Debug, PartialEq)]
pub struct DeltaNet {
    /// Heads of keys.
    pub key_heads: u64,
    /// Heads of values.
    pub value_heads: u64,
    /// Width of a key head.
    pub key: u64,
    /// Width of a value head.
    pub value: u64,
    /// Tokens that its convolution sees.
    pub convolution: u64,
    /// Bytes of a number of its state.
    pub state_bytes: u64,
}

/// A Mamba-2 mixer.
#[derive(Clone, Debug, PartialEq)]
pub struct Mamba {
    /// Heads.
    pub heads: u64,
    /// Width of a head.
    pub head: u64,
    /// Groups.
    pub groups: u64,
    /// Size of the state of one number.
    pub state: u64,
    /// Tokens that its convolution sees.
    pub convolution: u64,
    /// Bytes of a number of its state.
    pub state_bytes: u64,
}

impl DeltaNet {
    /// Numbers that the convolution mixes.
    pub(super) fn mixed(&self) -> u64 {
        2 * self.key_heads * self.key + self.value_heads * self.value
    }
}

impl Mamba {
    /// Numbers of its inner stream.
    pub(super) fn inner(&self) -> u64 {
        self.heads * self.head
    }

    /// Numbers that the convolution mixes.
    pub(super) fn mixed(&self) -> u64 {
        self.inner() + 2 * self.groups * self.state
    }
}

impl Attention {
    /// Numbers of the state of one sequence: of the recurrence, and of the convolution.
    pub fn state_numbers(&self) -> (u64, u64) {
        match self {
            Attention::DeltaNet(net) => (net.value_heads * net.key * net.value, (net.convolution - 1) * net.mixed()),
            Attention::Mamba(mamba) => (mamba.inner() * mamba.state, (mamba.convolution - 1) * mamba.mixed()),
            Attention::Grouped(_) | Attention::Latent(_) => (0, 0),
        }
    }

    /// Bytes of the recurrence's state of one sequence, and of all its state.
    pub fn state_bytes(&self) -> (u64, u64) {
        let width = match self {
            Attention::DeltaNet(net) => net.state_bytes,
            Attention::Mamba(mamba) => mamba.state_bytes,
            Attention::Grouped(_) | Attention::Latent(_) => 0,
        };
        let (numbers, convolution) = self.state_numbers();
        (numbers * width, numbers * width + 2 * convolution)
    }

    /// Query heads that ranks share.
    pub fn heads(&self) -> u64 {
        match self {
            Attention::Grouped(grouped) => grouped.query_heads,
            Attention::Latent(latent) => latent.query_heads,
            Attention::DeltaNet(net) => net.value_heads,
            Attention::Mamba(mamba) => mamba.heads,
        }
    }

    /// What the documentation and reports call it.
    pub fn name(&self) -> &'static str {
        match self {
            Attention::Grouped(Grouped { reach: Reach::Window(_), .. }) => "window",
            Attention::Grouped(_) => "full",
            Attention::Latent(Latent { index: Some(_), .. }) => "latent, sparse",
            Attention::Latent(_) => "latent",
            Attention::DeltaNet(_) => "delta net",
            Attention::Mamba(_) => "Mamba-2",
        }
    }
}
