//! What is said of a type of trigger.

use crate::autoscalers::keda::spec::MetricType;

/// One type of trigger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaler {
    /// Its `type`.
    pub kind: &'static str,
    /// What its value is, in words.
    pub words: &'static str,
    /// What its value is, as far as the simulator has something like it; `counts` looks at the
    /// trigger's mode, too.
    pub counts: Counts,
    /// Names of the target: the first that is written holds, unless a mode chooses.
    pub targets: &'static [&'static str],
    /// The target where none is written; `None` if one must be.
    pub default: Option<f64>,
    /// How the target and the activation value are written.
    pub number: Number,
    /// Names of the activation value, in the order of the targets; no name if it cannot be chosen.
    pub activations: &'static [&'static str],
    /// The activation value where none is written; `None` if one must be.
    pub activation_default: Option<f64>,
    /// Whether the target may be missing under `scalingModifiers`, which has its own.
    pub may_lack_target: bool,
    /// `ignoreNullValues` where it is not written.
    pub null_is_zero: bool,
    /// The metric type that holds whatever `metricType` says.
    pub forced: Option<MetricType>,
    /// Names that older versions took and this one refuses, with what to do.
    pub removed: &'static [(&'static str, &'static str)],
    /// Whether it takes every name, to hand them on.
    pub any_name: bool,
    /// Names that must be written in `metadata`, aliases joined by `/`.
    pub required: &'static str,
    /// Names that must be given: in `metadata`, as `<name>FromEnv` or by a `TriggerAuthentication`.
    pub sourced: &'static str,
    /// Names that may be left away. Some are needed together with others, or by some way to log in.
    pub optional: &'static str,
    /// Names that come as `<name>FromEnv` or from a `TriggerAuthentication` alone.
    pub outside: &'static str,
}

/// What the value of a trigger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Work that waits and that nobody has taken.
    Waiting,
    /// Work that waits, and work that was taken and is not done.
    InFlight,
    /// Work that was taken and is not done.
    Running,
    /// Work that arrives in a second.
    Arrivals,
    /// The clock's doing.
    Clock,
    /// A resource of the pods, which the HPA reads itself.
    Resource,
    /// Something of the user's own.
    Own,
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// A JSON integer of 64 bits: `5.0` is refused.
    Whole,
    /// A JSON number.
    Fraction,
    /// A quantity, or a whole number of percent.
    Resource,
    /// There is none to write.
    Fixed,
}

/// What most types have in common.
pub(super) const SCALER: Scaler = Scaler {
    kind: "",
    words: "",
    counts: Counts::Own,
    targets: &[],
    default: None,
    number: Number::Fraction,
    activations: &[],
    activation_default: Some(0.0),
    may_lack_target: false,
    null_is_zero: true,
    forced: None,
    removed: &[],
    any_name: false,
    required: "",
    sourced: "",
    optional: "",
    outside: "",
};

impl Scaler {
    /// Names that are read in `metadata`.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let numbers = self.targets.iter().chain(self.activations).copied();
        numbers.chain([self.required, self.sourced, self.optional].into_iter().flat_map(split))
    }

    /// Whether `name` is read in `metadata`, by itself or as `<name>FromEnv`.
    pub fn knows(&self, name: &str) -> bool {
        let stem = name.strip_suffix("FromEnv");
        let is = |known: &str| match known.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => known == name || Some(known) == stem,
        };
        self.any_name || self.names().any(is) || split(self.outside).any(|known| Some(known) == stem)
    }

    /// Whether `name` comes as `<name>FromEnv` or from a `TriggerAuthentication` alone.
    pub fn is_outside(&self, name: &str) -> bool {
        split(self.outside).any(|known| known == name)
    }
}

pub(super) fn split(names: &'static str) -> impl Iterator<Item = &'static str> {
    names.split([' ', '/']).filter(|name| !name.is_empty())
}
