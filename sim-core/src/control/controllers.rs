//! Controllers at work: when each runs, and the signals that each is shown.

use crate::clock::{SimDuration, SimTime, number_of_name};
use crate::id::{ControllerId, SignalIndex, Table};
use crate::ledger::ControllerRecord;
use crate::ports::{Controller, Decision, Observation, Schedule, TargetId, Wake, Watched};
use crate::signals::SignalState;
use std::sync::Arc;

/// All controllers, and all signals.
pub(crate) struct Control {
    controllers: Table<ControllerId, ControllerState>,
    signals: Table<SignalIndex, SignalState>,
}

/// A controller at work.
struct ControllerState {
    controller: Controller,
    /// The number of its name.
    key: u64,
    /// Its signals by target.
    signals: Vec<(TargetId, Vec<SignalIndex>)>,
    /// Counts the planned ticks; a tick with an older number is stale.
    generation: u64,
    /// When its last decision went to the log.
    logged: Option<SimTime>,
    /// The target at which a request waits, until the controller is told.
    poke: Option<TargetId>,
}

impl ControllerState {
    fn new(controller: Controller) -> Self {
        let key = number_of_name(&controller.name);
        ControllerState { controller, key, signals: Vec::new(), generation: 0, logged: None, poke: None }
    }
}

impl Control {
    /// Controllers that have seen nothing yet.
    pub(crate) fn new(controllers: Vec<Controller>) -> Self {
        Control { controllers: controllers.into_iter().map(ControllerState::new).collect(), signals: Table::default() }
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = ControllerId> + use<> {
        self.controllers.ids()
    }

    /// A controller's name, when it runs, and what it watches.
    pub(crate) fn declared(&self, id: ControllerId) -> (Arc<str>, Schedule, Vec<Watched>) {
        let Controller { name, schedule, targets, .. } = &self.controllers[id].controller;
        (Arc::clone(name), *schedule, targets.clone())
    }

    /// The number of a controller's name.
    pub(crate) fn key(&self, id: ControllerId) -> u64 {
        self.controllers[id].key
    }

    /// Shows a controller those signals of a target.
    pub(crate) fn show(&mut self, id: ControllerId, target: TargetId, signals: Vec<SignalIndex>) {
        self.controllers[id].signals.push((target, signals));
    }

    /// The signals that a controller is shown, by target.
    pub(crate) fn shown(&self, id: ControllerId) -> Vec<(TargetId, Vec<SignalIndex>)> {
        self.controllers[id].signals.clone()
    }

    /// Plans a tick and returns its generation; earlier plans become stale.
    pub(crate) fn plan(&mut self, id: ControllerId) -> u64 {
        let state = &mut self.controllers[id];
        state.generation += 1;
        state.generation
    }

    /// Whether no later tick has been planned.
    pub(crate) fn is_planned(&self, id: ControllerId, generation: u64) -> bool {
        self.controllers[id].generation == generation
    }

    /// Notes that a request waits at a target. True if the controller was not about to be told of
    /// one.
    pub(crate) fn poke(&mut self, id: ControllerId, target: TargetId) -> bool {
        self.controllers[id].poke.replace(target).is_none()
    }

    /// Takes the target at which a request waits, if the controller was not told yet.
    pub(crate) fn take_poke(&mut self, id: ControllerId) -> Option<TargetId> {
        self.controllers[id].poke.take()
    }

    /// Lets a controller decide, and returns when it runs next: when it asks for, or after its
    /// period.
    ///
    /// # Errors
    /// If its policy failed: its name, and why.
    pub(crate) fn decide(
        &mut self,
        id: ControllerId,
        seen: &Observation,
    ) -> Result<(Decision, Option<SimTime>), (String, String)> {
        let Controller { name, schedule, policy, .. } = &mut self.controllers[id].controller;
        let decision = policy.decide(seen);
        if let Some(message) = policy.failure() {
            return Err((name.to_string(), message.to_owned()));
        }
        let next = match (decision.next_wake, seen.wake) {
            (Some(at), _) => Some(at.max(seen.now + SimDuration::from_ps(1))),
            (None, Wake::Poke(_)) => None,
            (None, _) => Some(seen.now + schedule.period),
        };
        Ok((decision, next))
    }

    /// Closes all policies.
    ///
    /// # Errors
    /// If a policy failed: its name, and why.
    pub(crate) fn close(&mut self) -> Result<(), (String, String)> {
        for Controller { name, policy, .. } in self.controllers.values_mut().map(|state| &mut state.controller) {
            policy.close();
            if let Some(message) = policy.failure() {
                return Err((name.to_string(), message.to_owned()));
            }
        }
        Ok(())
    }

    /// Whether a decision of the controller was logged within that span.
    pub(crate) fn logged_within(&self, id: ControllerId, span: SimDuration, now: SimTime) -> bool {
        self.controllers[id].logged.is_some_and(|at| now.since(at) < span)
    }

    /// Notes that a decision of the controller was logged.
    pub(crate) fn log(&mut self, id: ControllerId, now: SimTime) {
        self.controllers[id].logged = Some(now);
    }

    /// The id of the next signal.
    pub(crate) fn next_signal(&self) -> SignalIndex {
        SignalIndex::new(self.signals.len() as u32)
    }

    pub(crate) fn add_signal(&mut self, signal: SignalState) {
        self.signals.push(signal);
    }

    pub(crate) fn signal(&self, id: SignalIndex) -> &SignalState {
        &self.signals[id]
    }

    pub(crate) fn signal_mut(&mut self, id: SignalIndex) -> &mut SignalState {
        &mut self.signals[id]
    }

    /// All controllers by name, with the names of the signals that each saw.
    pub(crate) fn records(&self) -> Vec<ControllerRecord> {
        let signals = |(target, ids): &(TargetId, Vec<SignalIndex>)| {
            let names = ids.iter().map(|&id| self.signals[id].request.name.as_str().into());
            names.map(|name| (*target, name)).collect::<Vec<_>>()
        };
        let record = |state: &ControllerState| ControllerRecord {
            name: Arc::clone(&state.controller.name),
            signals: state.signals.iter().flat_map(signals).collect(),
        };
        self.controllers.values().map(record).collect()
    }
}
