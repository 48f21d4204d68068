//! What is said of a policy: its name, what it does, and which upstream version it reproduces.
//!
//! It stands beside each policy, as `INFO` of its type or `POLICIES` of its folder.

/// Which port a policy stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Port {
    /// Decides how many replicas there are.
    Autoscaler,
    /// Decides which replica takes a request.
    Router,
    /// Decides on which node a replica goes.
    Placement,
    /// Decides which nodes there are.
    NodeAutoscaler,
    /// Decides which region takes an attempt.
    GlobalRouter,
    /// Decides where and in which market capacity is bought.
    Capacity,
}

impl Port {
    /// Its name in listings.
    pub const fn name(self) -> &'static str {
        match self {
            Port::Autoscaler => "autoscaler",
            Port::Router => "router",
            Port::Placement => "placement",
            Port::NodeAutoscaler => "nodes",
            Port::GlobalRouter => "routing",
            Port::Capacity => "capacity",
        }
    }
}

/// What is said of one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyInfo {
    /// Its name in listings and reports.
    pub name: &'static str,
    /// Its port.
    pub port: Port,
    /// What it does, in one line.
    pub about: &'static str,
    /// What it reproduces, and how that was checked.
    pub reproduces: &'static str,
}

impl PolicyInfo {
    /// A policy that is defined here.
    ///
    /// ```
    /// use flashcrowd_policies::{PolicyInfo, Port};
    /// let info = PolicyInfo::own(Port::Router, "first", "always the first replica");
    /// assert_eq!(info.reproduces, "no upstream: defined here");
    /// ```
    pub const fn own(port: Port, name: &'static str, about: &'static str) -> Self {
        PolicyInfo::reproducing(port, name, about, "no upstream: defined here")
    }

    /// A policy that exists elsewhere: `reproduces` says which version, and how that was checked.
    pub const fn reproducing(port: Port, name: &'static str, about: &'static str, reproduces: &'static str) -> Self {
        PolicyInfo { name, port, about, reproduces }
    }
}
