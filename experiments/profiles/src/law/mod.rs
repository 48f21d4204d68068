//! How long an iteration takes, for any model on any GPU, from its shape and a datasheet.
//!
//! ```text
//! T = step + layers + sqrt(Wd^2 + Fd^2) + sum(We + Fe) + A_dec + A_pre + comm + seq * rows
//! T >= step + floor, if the iteration holds prompts
//! ```
//!
//! `Wd`, `Fd`: reading and multiplying all matrices but experts; `We`, `Fe`: the same of experts, which add up instead
//! of overlapping; `A_dec`, `A_pre`: attention of decodes and prompts; `comm`: messages between ranks. All of one rank.
//! Constants come from tables of kernels and from closed-loop measurements (`docs/any-model.md` has both, and the error
//! by class of model).
//!
//! | module | holds |
//! | --- | --- |
//! | `tables` | what each number format reaches on each generation of GPUs |
//! | `engine` | what each engine adds |
//! | `attention` | attention by kind of layer |
//! | `dense` | matrices, experts and launches of all layers |
//! | `messages` | what ranks tell each other |
//! | `iteration` | the sum |
//! | `engine_law` | the same as the simulated engine takes it |
//! | `class` | how far to trust it |

mod attention;
mod class;
mod dense;
mod engine;
mod engine_law;
mod iteration;
mod messages;
mod tables;

pub use attention::{Context, State};
pub use class::Class;
pub use engine::Engine;
pub use iteration::{Chunk, Law, Load, Terms};
pub use messages::Messages;
pub use tables::computed_in;
