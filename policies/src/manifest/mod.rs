//! What all manifest readers share: YAML or JSON as a tree with places, typed access to its fields,
//! messages with line, column and the nearest right name.
//!
//! | part | owns |
//! | --- | --- |
//! | `tree` | a file as nodes with places |
//! | `objects` | the Kubernetes objects of a file, and the choice among them |
//! | `fields` | typed access to a map, and the list of what nobody asked for |
//! | `numbers` | floats, counts and truth values of a map, and strict schemas |
//! | `error` | what is refused, what is passed over |

mod error;
pub(crate) mod fields;
pub(crate) mod numbers;
pub(crate) mod objects;
pub(crate) mod tree;

pub(crate) use error::nearest;
pub use error::{ManifestError, ManifestWarning};
