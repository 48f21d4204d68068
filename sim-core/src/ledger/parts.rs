//! The parts of one request's latency, and which of them made it late.

use crate::clock::SimDuration;
use crate::ports::LatencyPart;

/// Why a late request was late: the largest part of its latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LateBecause {
    /// It waited while replicas were starting, or while a node for one was on its way.
    ColdStart = 0,
    /// It waited in a queue.
    Queue = 1,
    /// Its service took long.
    Service = 2,
    /// It was rejected, expired, failed, or was too old without an answer at the end of the run.
    NotServed = 3,
    /// Attempts before the last one, and back-off, took long.
    Retries = 4,
    /// Computing its prompt took long, or that of prompts in the same iterations.
    Prefill = 5,
    /// It spent long on its way: hops, round trips, the engine's front end.
    Network = 6,
    /// It waited for a replica that was wanted but had no GPUs.
    NoCapacity = 7,
}

impl LateBecause {
    /// All causes, in the order of their numbers.
    pub const ALL: [LateBecause; 8] = [
        LateBecause::ColdStart,
        LateBecause::Queue,
        LateBecause::Service,
        LateBecause::NotServed,
        LateBecause::Retries,
        LateBecause::Prefill,
        LateBecause::Network,
        LateBecause::NoCapacity,
    ];

    /// Its name in tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            LateBecause::ColdStart => "cold_start",
            LateBecause::Queue => "queue",
            LateBecause::Service => "service",
            LateBecause::NotServed => "not_served",
            LateBecause::Retries => "retries",
            LateBecause::Prefill => "prefill",
            LateBecause::Network => "network",
            LateBecause::NoCapacity => "no_capacity",
        }
    }
}

/// Why a request failed: what happened to its last attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailBecause {
    /// Its replica was scaled down and killed when its drain time-out ended.
    DrainTimeout = 0,
    /// Its replica was lost with its node, or reclaimed.
    ReplicaLost = 1,
    /// It reached no replica: the region was unreachable, or the connection was lost.
    Unreachable = 2,
}

impl FailBecause {
    /// All reasons, in the order of their numbers.
    pub const ALL: [FailBecause; 3] = [FailBecause::DrainTimeout, FailBecause::ReplicaLost, FailBecause::Unreachable];
}

/// The parts of a completed request's time. They add up to its end-to-end latency exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestParts {
    /// Attempts before the answered one, and back-off; zero if the first attempt was answered.
    pub retries: SimDuration,
    /// Time on its way: the hop to the replica, round trips, the engine's front end.
    pub network: SimDuration,
    /// Waiting that no other part explains.
    pub queue: SimDuration,
    /// Waiting while replicas of the service were starting, or nodes came for them.
    pub cold_start: SimDuration,
    /// Waiting while a replica was wanted but had no GPUs, and no other replica was starting.
    pub no_capacity: SimDuration,
    /// In service, including the host's own work before a batch.
    pub service: SimDuration,
}

impl RequestParts {
    /// The sum of all parts: the end-to-end latency.
    pub fn sum(&self) -> SimDuration {
        self.retries + self.network + self.queue + self.cold_start + self.no_capacity + self.service
    }
}

/// What is measured of one completed request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) e2e: SimDuration,
    pub(crate) of: RequestParts,
    /// Time to the first token, if the service has tokens.
    pub(crate) ttft: Option<SimDuration>,
    /// Mean gap between tokens, if there are at least two.
    pub(crate) tpot: Option<SimDuration>,
}

impl Parts {
    pub(crate) fn get(&self, part: LatencyPart) -> SimDuration {
        match part {
            LatencyPart::EndToEnd => self.e2e,
            LatencyPart::Queue => self.of.queue,
            LatencyPart::ColdStart => self.of.cold_start,
            LatencyPart::Service => self.of.service,
            LatencyPart::TimeToFirstToken => self.ttft.unwrap_or(self.e2e),
            LatencyPart::TimePerOutputToken | LatencyPart::InterToken => self.tpot.unwrap_or(SimDuration::ZERO),
            LatencyPart::Retries => self.of.retries,
            LatencyPart::Network => self.of.network,
            LatencyPart::NoCapacity => self.of.no_capacity,
        }
    }

    /// Why it was late when the SLO on `broken` was missed: the largest part, the first of equals.
    pub(super) fn because(&self, broken: LatencyPart) -> LateBecause {
        // What came after the first token does not explain a late first token.
        let own = match (broken, self.ttft) {
            (LatencyPart::TimeToFirstToken, Some(ttft)) => {
                (ttft.saturating_sub(self.e2e - self.of.service), LateBecause::Prefill)
            }
            _ => (self.of.service, LateBecause::Service),
        };
        let causes = [
            (self.of.cold_start, LateBecause::ColdStart),
            (self.of.no_capacity, LateBecause::NoCapacity),
            (self.of.queue, LateBecause::Queue),
            own,
            (self.of.network, LateBecause::Network),
            (self.of.retries, LateBecause::Retries),
        ];
        let mut largest = causes[0];
        for cause in causes {
            if cause.0 > largest.0 {
                largest = cause;
            }
        }
        largest.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> SimDuration {
        SimDuration::from_ms(ms)
    }

    fn parts(of: RequestParts) -> Parts {
        Parts { e2e: of.sum(), of, ttft: None, tpot: None }
    }

    #[test]
    fn each_part_may_be_the_cause() {
        let small = RequestParts {
            retries: ms(1),
            network: ms(2),
            queue: ms(3),
            cold_start: ms(4),
            no_capacity: ms(5),
            service: ms(6),
        };
        let cases = [
            (small, LateBecause::Service),
            (RequestParts { retries: ms(9), ..small }, LateBecause::Retries),
            (RequestParts { network: ms(9), ..small }, LateBecause::Network),
            (RequestParts { queue: ms(9), ..small }, LateBecause::Queue),
            (RequestParts { cold_start: ms(9), ..small }, LateBecause::ColdStart),
            (RequestParts { no_capacity: ms(9), ..small }, LateBecause::NoCapacity),
        ];
        for (of, cause) in cases {
            assert_eq!(parts(of).because(LatencyPart::EndToEnd), cause);
        }
        // A first token after 21 ms, of which 6 ms were prefill.
        let early = Parts { ttft: Some(ms(21)), ..parts(RequestParts { service: ms(100), ..small }) };
        assert_eq!(early.because(LatencyPart::TimeToFirstToken), LateBecause::Prefill);
        assert_eq!(early.because(LatencyPart::EndToEnd), LateBecause::Service);
        for (cause, at) in LateBecause::ALL.into_iter().zip(0..) {
            assert_eq!(cause as usize, at);
        }
    }
}
