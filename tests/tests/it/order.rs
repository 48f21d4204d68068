//! Ties: events of one instant are ordered by what they are, never by who was asked first.

use flashcrowd_core::SimDuration;
use flashcrowd_core::serving::{BatchConfig, BatchTime, Discipline};
use flashcrowd_core::simulation::World;
use flashcrowd_tests::kit::{End, at_ms, client, ends, listed, ms, run, service, world};

/// The second item leaves the host at the instant at which the first has waited for long enough.
#[test]
fn an_item_that_comes_as_the_batch_leaves_joins_it() {
    let batch = Discipline::DynamicBatch(BatchConfig {
        max_delay: ms(100),
        host_per_item: ms(100),
        ..BatchConfig::plain(4, BatchTime::affine(ms(50), ms(10)))
    });
    for shift in 0..20 {
        // Serial numbers and the server's own count meet at some shift.
        let mut requests: Vec<(u64, u64)> = (0..shift).map(|i| (i * 1_000, 0)).collect();
        requests.extend([(50_000, 0), (50_000, 0)]);
        let record = run(World {
            services: vec![service("service", batch.clone())],
            clients: vec![client("client", listed(&requests))],
            series_period: SimDuration::from_ms(100),
            ..world(100)
        });
        let last = &ends(&record)[shift as usize..];
        assert_eq!(last, [Some((End::Completed, at_ms(50_270))); 2], "after {shift} others");
    }
}
