//! What one run of a sweep measured, whichever tool wrote it.

/// Mean and spread of a length, tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Length {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
}

impl Length {
    /// Uniform between two bounds.
    pub fn uniform(low: f64, high: f64) -> Self {
        Length { mean: f64::midpoint(low, high), deviation: (high - low).max(0.0) / 12f64.sqrt() }
    }

    /// Mean of the square.
    pub fn square(self) -> f64 {
        self.mean * self.mean + self.deviation * self.deviation
    }

    /// Mean context that a running sequence of this output length has produced: long ones run
    /// longer, so they are met more often.
    pub fn running(self) -> f64 {
        if self.mean > 0.0 { self.square() / (2.0 * self.mean) } else { 0.0 }
    }
}

/// How requests arrived.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrival {
    /// One client, one request at a time.
    Synchronous,
    /// This many clients, each with one request at a time.
    Closed(f64),
    /// At equal distances.
    Constant,
    /// At random.
    Poisson,
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Prompt lengths.
    pub input: Length,
    /// Output lengths.
    pub output: Length,
    /// How requests arrived.
    pub arrival: Arrival,
    /// Completed requests per second.
    pub rate: f64,
    /// Mean inter-token latency, ms.
    pub itl_ms: f64,
    /// Mean time to first token, ms, where it was recorded.
    pub ttft_ms: Option<f64>,
    /// The window cut more than a tenth of the requests: it holds no steady state.
    pub truncated: bool,
    /// The model, as the tool calls it; empty if it does not say.
    pub model: String,
    /// The GPU, as the tool calls it; empty if it does not say.
    pub gpu: String,
    /// GPUs that share each layer, where the tool says it.
    pub tensor_parallel: Option<u32>,
}

/// Share of the highest rate that the same shape reached in the sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Band {
    /// One request at a time.
    Idle,
    /// Up to 82 %.
    Light,
    /// Up to 94 %.
    Heavy,
    /// Above 94 %.
    Full,
    /// Many clients without pause.
    Closed,
}

impl Band {
    /// All bands.
    pub const ALL: [Band; 5] = [Band::Idle, Band::Light, Band::Heavy, Band::Full, Band::Closed];

    /// The band of a run at this share of the highest rate.
    pub fn of(arrival: Arrival, share: f64) -> Self {
        match arrival {
            Arrival::Synchronous => Band::Idle,
            Arrival::Closed(clients) if clients <= 1.0 => Band::Idle,
            Arrival::Closed(_) => Band::Closed,
            _ if share <= 0.82 => Band::Light,
            _ if share <= 0.94 => Band::Heavy,
            _ => Band::Full,
        }
    }

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Band::Idle => "idle",
            Band::Light => "up to 82 %",
            Band::Heavy => "82-94 %",
            Band::Full => "over 94 %",
            Band::Closed => "closed",
        }
    }

    /// Weight of a squared residual: near saturation a small error of the law is a large one of
    /// the latency, so these runs decide less.
    pub(super) const fn weight(self) -> f64 {
        match self {
            Band::Idle | Band::Light => 1.0,
            Band::Heavy | Band::Full | Band::Closed => 0.3,
        }
    }
}

impl Row {
    /// The shape, for telling rows of different lengths apart.
    pub(super) fn shape(&self) -> (u64, u64) {
        (self.input.mean.round() as u64, self.output.mean.round() as u64)
    }
}

/// The band of each row, and the share of the highest rate of its shape.
pub(super) fn bands(rows: &[Row]) -> Vec<(Band, f64)> {
    rows.iter()
        .map(|row| {
            let same = rows.iter().filter(|other| other.shape() == row.shape());
            let highest = same.map(|other| other.rate).fold(0.0, f64::max);
            let share = if highest > 0.0 { row.rate / highest } else { 0.0 };
            (Band::of(row.arrival, share), share)
        })
        .collect()
}
