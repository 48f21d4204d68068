//! Shared parts of the benchmarks.
//!
//! | part | owns |
//! | --- | --- |
//! | [`meter`] | CPU time and peak memory of this process |
//! | [`worlds`] | the worlds of slots that are timed |
//! | [`llm`] | the worlds of token-level engines |
//! | [`regions`] | a world of several regions with spot capacity and an outage |
//! | [`bare`] | the same models as loops written by hand |
//! | [`row`] | one line of the throughput table: a world beside its twin |

pub mod bare;
pub mod llm;
pub mod meter;
pub mod regions;
pub mod row;
pub mod worlds;
