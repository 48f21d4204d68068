//! Shared parts of the benchmarks.
//!
//! | part | owns |
//! | --- | --- |
//! | [`meter`] | CPU time and peak memory of this process |
//! | [`worlds`] | the worlds of slots that are timed |
//! | [`llm`] | the worlds of token-level engines |
//! | [`two_engines`] | a world of token-level engines that share GPUs |
//! | [`regions`] | a world of several regions with spot capacity and an outage |
//! | [`bare`] | the same models of slots as loops written by hand |
//! | [`bare_llm`] | the same for token-level engines |
//! | [`row`] | one line of the throughput table: a world beside its twin |

pub mod bare;
pub mod bare_llm;
pub mod llm;
pub mod meter;
pub mod regions;
pub mod row;
pub mod two_engines;
pub mod worlds;
