//! What all manifest readers share: YAML or JSON as a tree with places, typed access to its fields,
//! messages with line, column and the nearest right name.
//!
//! | part | owns |
//! | --- | --- |
//! | [`detect`] | which autoscaler a file is for |
//! | [`edit()`] | one value of a file changed, by its path |
//! | `tree` | a file as nodes with places |
//! | `objects` | the Kubernetes objects of a file, and the choice among them |
//! | `fields` | typed access to a map, and the list of what nobody asked for |
//! | `helm` | templates, which are no manifests yet |
//! | `go_text` | numbers and durations that stand in texts, as Go reads them |
//! | [`Quantity`] | a Kubernetes quantity, in milli-units |
//! | `numbers` | floats, counts and truth values of a map, and strict schemas |
//! | `error` | what is refused, what is passed over |

mod edit;
mod error;
pub(crate) mod fields;
pub(crate) mod go_text;
mod helm;
mod kind;
pub(crate) mod numbers;
pub(crate) mod objects;
mod place;
mod quantity;
pub(crate) mod tree;

pub use edit::edit;
pub(crate) use error::nearest;
pub use error::{ManifestError, ManifestWarning};
pub use kind::{Detected, Kind, ObjectKind, detect};
pub use quantity::{Quantity, QuantityError, approximate_f64};
