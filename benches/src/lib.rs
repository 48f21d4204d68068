//! Shared parts of the benchmarks.
//!
//! | part | owns |
//! | --- | --- |
//! | [`meter`] | CPU time and peak memory of this process |
//! | [`worlds`] | the worlds of slots that are timed |
//! | [`llm`] | the worlds of token-level engines |
//! | [`bare`] | the same models as loops written by hand |
//! | [`row`] | one line of the throughput table: a world beside its twin |

pub mod bare;
pub mod llm;
pub mod meter;
pub mod row;
pub mod worlds;
