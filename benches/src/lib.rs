//! Shared parts of the benchmarks.
//!
//! | part | owns |
//! | --- | --- |
//! | [`meter`] | CPU time and peak memory of this process |
//! | [`worlds`] | the worlds that are timed |
//! | [`bare`] | the same models as loops written by hand |
//! | [`row`] | one line of the throughput table: both, side by side |

pub mod bare;
pub mod meter;
pub mod row;
pub mod worlds;
