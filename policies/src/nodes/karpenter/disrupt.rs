//! Plans to consolidate: made at a poll, looked at again, carried out.

use super::state::{Command, Karpenter, Proposal, Quiet, Running};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{FleetView, NodeDecision, NodeView};

/// After this long it searches again, even if nothing has changed, as upstream's cluster state
/// does.
const SEARCH_AGAIN: SimDuration = SimDuration::from_s(300);

impl Karpenter {
    /// Drains nodes whose replacement has booted; lets those go on whose replacement will not come.
    pub(super) fn carry_on(&mut self, seen: &FleetView, decision: &mut NodeDecision) {
        for running in std::mem::take(&mut self.running) {
            let new = seen.nodes.iter().find(|node| node.order == Some(running.order));
            let new = new.filter(|node| !decision.remove.contains(&node.id) && !decision.drain.contains(&node.id));
            let live = running.nodes.iter().copied().filter(|&id| seen.node(id).is_some());
            match new {
                Some(node) if node.ready.is_some() => {
                    decision.drain.extend(live.filter(|id| !self.interrupted.contains(id)));
                }
                Some(_) => self.running.push(running),
                None => decision.uncordon.extend(live.filter(|id| !self.interrupted.contains(id))),
            }
        }
    }

    /// How many more nodes may go now.
    fn allowed(&self, seen: &FleetView) -> u32 {
        let total = seen.nodes.iter().filter(|node| node.ready.is_some()).count() as u32;
        let going = seen.nodes.iter().filter(|node| node.ready.is_some() && node.cordoned).count() as u32;
        self.config.budget.of(total).saturating_sub(going)
    }

    /// Makes a plan at a poll, or carries out one that still holds.
    pub(super) fn disrupt(&mut self, seen: &FleetView, polls: bool, decision: &mut NodeDecision) {
        match self.proposal.take() {
            Some(proposal) if proposal.due > seen.now => self.proposal = Some(proposal),
            Some(proposal) => {
                if let Some(command) = self.still_holds(seen, &proposal.command, decision) {
                    self.execute(seen, command, decision);
                }
            }
            None if polls => self.propose(seen),
            None => {}
        }
    }

    /// Looks for a plan, unless the last search found none and nothing has changed since.
    fn propose(&mut self, seen: &FleetView) {
        let quiet = self.quiet(seen);
        if self.searched.is_some_and(|(at, before)| before == quiet && at + SEARCH_AGAIN > seen.now) {
            return;
        }
        let due = seen.now + self.config.validate_after;
        self.proposal = self.plan(seen, self.allowed(seen)).map(|command| Proposal { due, command });
        // A node that is too young now may go later, though nothing changes.
        let young = |node: &NodeView| node.changed + self.config.consolidate_after > seen.now;
        let found = self.proposal.is_some() || seen.nodes.iter().any(young);
        self.searched = (!found).then_some((seen.now, quiet));
    }

    fn quiet(&self, seen: &FleetView) -> Quiet {
        let cordoned = seen.nodes.iter().filter(|node| node.cordoned).count();
        let newest = seen.nodes.last().map_or(0, |node| node.id);
        let changed = seen.nodes.iter().map(|node| node.changed).max();
        Quiet { changed, newest, nodes: [seen.nodes.len(), cordoned, seen.waiting.len()], allowed: self.allowed(seen) }
    }

    /// The plan as it is now, if its nodes may still go and need no more than they did.
    fn still_holds(&self, seen: &FleetView, plan: &Command, decision: &NodeDecision) -> Option<Command> {
        let untouched = |id: &u32| !decision.drain.contains(id) && !decision.remove.contains(id);
        let candidates = self.candidates(seen);
        let still = |id: &u32| candidates.iter().find(|node| node.id == *id && untouched(id)).copied();
        let nodes: Vec<&NodeView> = plan.nodes.iter().filter_map(still).collect();
        if nodes.len() < plan.nodes.len() || nodes.len() > self.allowed(seen) as usize {
            return None;
        }
        if plan.empty && nodes.iter().any(|node| !node.is_empty()) {
            return None;
        }
        let fresh = self.simulate(seen, &nodes)?;
        (fresh.replacement.is_none() || plan.replacement.is_some()).then_some(fresh)
    }

    fn execute(&mut self, seen: &FleetView, command: Command, decision: &mut NodeDecision) {
        let Command { nodes, replacement, .. } = command;
        if let Some(offers) = replacement {
            decision.cordon.extend(&nodes);
            let order = self.order(offers, decision);
            self.running.push(Running { nodes, order });
            return;
        }
        let (empty, busy): (Vec<u32>, Vec<u32>) =
            nodes.into_iter().partition(|&id| seen.node(id).is_some_and(NodeView::is_empty));
        decision.remove.extend(empty);
        decision.drain.extend(busy);
    }
}
