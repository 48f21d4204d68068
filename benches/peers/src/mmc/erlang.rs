//! Erlang's C formula: what the mean wait must be.

/// Mean wait in an M/M/c queue of `rate` arrivals per second and `service` seconds of work each.
pub fn mean_wait(servers: u32, rate: f64, service: f64) -> f64 {
    let load = rate * service;
    // Erlang B by its recursion, which does not overflow; C from B.
    let blocking = (1..=servers).fold(1.0, |blocking, n| load * blocking / (f64::from(n) + load * blocking));
    let spare = f64::from(servers) - load;
    let waiting = f64::from(servers) * blocking / (spare + load * blocking);
    waiting * service / spare
}
