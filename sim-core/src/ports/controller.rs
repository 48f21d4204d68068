//! A controller: what it declares, as plain data, and the policy that decides for it.

use super::{Autoscaler, SignalRequest, TargetId};
use crate::clock::SimDuration;
use std::sync::Arc;

/// When a controller runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Time between two ticks.
    pub period: SimDuration,
    /// Time of the first tick; `None` draws it uniformly from one period, as a controller that was
    /// created at some moment has its own phase.
    pub phase: Option<SimDuration>,
    /// Whether it is woken by a request that no replica can serve.
    pub poked_by_requests: bool,
}

impl Schedule {
    /// One tick in each `period`, at a random phase, without being woken by requests.
    pub const fn every(period: SimDuration) -> Self {
        Schedule { period, phase: None, poked_by_requests: false }
    }

    /// The same, with the first tick at that time.
    #[must_use]
    pub const fn first_at(self, first: SimDuration) -> Self {
        Schedule { phase: Some(first), ..self }
    }
}

/// What a controller wants to be shown of a target.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    /// A signal.
    Signal(SignalRequest),
}

impl From<SignalRequest> for Want {
    fn from(request: SignalRequest) -> Self {
        Want::Signal(request)
    }
}

/// A target that a controller owns or shares, and what it wants to see of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    /// Which target.
    pub target: TargetId,
    /// What it wants to see: signals in the order of [`super::TargetView::signals`].
    pub wants: Vec<Want>,
}

impl Watched {
    /// The signals among its wants, in order.
    pub fn signals(&self) -> impl Iterator<Item = &SignalRequest> {
        self.wants.iter().map(|Want::Signal(request)| request)
    }
}

/// What a controller declares, as plain data, together with its policy.
///
/// A constructor of a policy returns the policy in its controller; [`Controller::boxed`] hides the
/// type of the policy, so that a world can hold many. To wrap a policy, change the data that
/// matters and keep the rest:
///
/// ```
/// use flashcrowd_core::SimDuration;
/// use flashcrowd_core::ports::{Autoscaler, Controller, Decision, Observation, Schedule, TargetId};
///
/// struct Twice;
///
/// impl Autoscaler for Twice {
///     fn decide(&mut self, seen: &Observation) -> Decision {
///         let view = seen.target();
///         Decision::set_replicas(view.target, 2 * view.ready_replicas.max(1))
///     }
/// }
///
/// let schedule = Schedule::every(SimDuration::from_s(15));
/// let mut controller = Controller::of("twice", schedule, TargetId(0), Twice);
/// controller.schedule.poked_by_requests = true;
/// ```
#[derive(Clone, Debug)]
pub struct Controller<P = Box<dyn Autoscaler>> {
    /// A short name for logs and tables, such as `hpa/model-inference-hpa`. Its random streams are
    /// named after it.
    pub name: Arc<str>,
    /// When it runs.
    pub schedule: Schedule,
    /// The targets that it owns or shares, sorted by id: observations show them in this order.
    pub targets: Vec<Watched>,
    /// The policy.
    pub policy: P,
}

impl<P> Controller<P> {
    /// A controller of one target that sees no signals.
    pub fn of(name: impl Into<Arc<str>>, schedule: Schedule, target: TargetId, policy: P) -> Self {
        let targets = vec![Watched { target, wants: Vec::new() }];
        Controller { name: name.into(), schedule, targets, policy }
    }

    /// Adds signals that it reads of each of its targets, after those that it reads already.
    #[must_use]
    pub fn reading<W: Into<Want>>(mut self, wants: impl IntoIterator<Item = W>) -> Self {
        let wants: Vec<Want> = wants.into_iter().map(Into::into).collect();
        self.targets.iter_mut().for_each(|watched| watched.wants.extend_from_slice(&wants));
        self
    }

    /// The signals that it reads of a target, in order.
    pub fn signals(&self, target: TargetId) -> impl Iterator<Item = &SignalRequest> {
        self.targets.iter().filter(move |watched| watched.target == target).flat_map(Watched::signals)
    }

    /// All signals that it reads, mutable.
    pub fn signals_mut(&mut self) -> impl Iterator<Item = &mut SignalRequest> {
        self.targets.iter_mut().flat_map(|watched| &mut watched.wants).map(|Want::Signal(request)| request)
    }

    /// The same controller with another policy, made from this one.
    pub fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Controller<Q> {
        let Controller { name, schedule, targets, policy } = self;
        Controller { name, schedule, targets, policy: change(policy) }
    }
}

impl<P: Autoscaler + 'static> Controller<P> {
    /// The controller without the type of its policy.
    pub fn boxed(self) -> Controller {
        self.map(|policy| -> Box<dyn Autoscaler> { Box::new(policy) })
    }
}
