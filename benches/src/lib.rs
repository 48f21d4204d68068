//! Shared parts of the benchmarks: CPU time, and the worlds that are timed.
