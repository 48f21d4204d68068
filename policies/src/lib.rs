//! Every decision maker of flashcrowd, behind the ports of `flashcrowd-core`.
//!
//! | part | owns |
//! | --- | --- |
//! | [`hpa`] | the Kubernetes Horizontal Pod Autoscaler |

pub mod hpa;
