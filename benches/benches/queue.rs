//! The event queue under the hold model: pop the earliest event, push one that is an increment
//! later, with a constant number pending. The wheel against the binary heap.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use flashcrowd_core::clock::{Class, Distribution, EventQueue, HeapQueue, Key, Seed, Stream, Wheel};
use flashcrowd_core::id::ClientId;
use flashcrowd_core::{SimDuration, SimTime};
use std::hint::black_box;
use std::time::Duration;

/// Holds in one measured batch.
const HOLDS: u64 = 10_000;
const PENDING: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];

/// Increments, drawn ahead so that drawing is not what is measured.
#[derive(Clone, Copy)]
enum Increments {
    /// Exponential of mean one second.
    Exponential,
    /// Nine of ten exponential of mean 10 ms, the tenth 1,000 times longer: completions beside
    /// scrapes and time-outs.
    Mixed,
}

impl Increments {
    const fn name(self) -> &'static str {
        match self {
            Increments::Exponential => "exponential",
            Increments::Mixed => "mixed",
        }
    }

    fn draw(self, stream: &mut Stream) -> u64 {
        let law = match self {
            Increments::Exponential => Distribution::Exponential { mean: 1.0 },
            Increments::Mixed => Distribution::Hyperexponential { p: 0.9, mean_a: 0.01, mean_b: 10.0 },
        };
        law.sample_duration(stream).as_ps().max(1)
    }
}

/// A queue in the middle of its work, with the increments to come.
struct Hold<Q> {
    queue: Q,
    increments: Vec<u64>,
    serial: u64,
}

impl<Q: EventQueue<u64> + Default> Hold<Q> {
    fn new(pending: usize, law: Increments) -> Self {
        let mut stream = Seed::new(1).stream("hold");
        let increments = (0..1 << 16).map(|_| law.draw(&mut stream)).collect();
        let mut hold = Hold { queue: Q::default(), increments, serial: 0 };
        for _ in 0..pending {
            let at = law.draw(&mut stream);
            hold.push(at);
        }
        // Past the start, where all events are as young as one increment.
        hold.run(2 * pending as u64 + HOLDS);
        hold
    }

    fn push(&mut self, at: u64) {
        self.serial += 1;
        let entity = (self.serial & 1_023) as u32;
        let key = Key::new(SimTime::from_ps(at), 0, Class::Completion, ClientId::new(entity), self.serial);
        self.queue.push(key, self.serial);
    }

    fn run(&mut self, holds: u64) {
        for _ in 0..holds {
            let Some(entry) = self.queue.pop() else { return };
            let ahead = self.increments[(self.serial & 0xffff) as usize];
            let at = black_box(entry).key.at + SimDuration::from_ps(ahead);
            self.push(at.as_ps());
        }
    }
}

fn bench<Q: EventQueue<u64> + Default>(criterion: &mut Criterion, name: &str) {
    for law in [Increments::Exponential, Increments::Mixed] {
        let mut group = criterion.benchmark_group(format!("hold/{}", law.name()));
        group.throughput(Throughput::Elements(HOLDS)).sample_size(20);
        for pending in PENDING {
            let mut hold = Hold::<Q>::new(pending, law);
            group.bench_function(BenchmarkId::new(name, pending), |bencher| {
                bencher.iter_batched(|| (), |()| hold.run(HOLDS), BatchSize::PerIteration);
            });
        }
        group.finish();
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    bench::<Wheel<u64>>(&mut criterion, "wheel");
    bench::<HeapQueue<u64>>(&mut criterion, "heap");
    criterion.final_summary();
}
