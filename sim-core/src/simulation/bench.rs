//! Lends a server what it works with.

/// Builds a `Bench` by splitting the borrow; a method would borrow all of `self`.
macro_rules! bench {
    ($sim:expr, $service:expr) => {{
        let book = &mut $sim.services[$service];
        $crate::serving::Bench {
            discipline: &book.config.discipline,
            agenda: &mut $sim.agenda,
            attempts: &mut $sim.traffic.attempts,
            sequences: &mut $sim.serving.sequences,
            prefixes: &$sim.traffic.prefixes,
            first_tokens: &mut $sim.serving.first_tokens,
            gaps: (!book.watchers.gap.is_empty()).then_some(&mut $sim.serving.gaps),
            latency: &mut book.account.latency,
            warmup: $sim.world.warmup,
        }
    }};
}

pub(super) use bench;
