//! One server at work: passes each call to its discipline.

use super::batch::Batching;
use super::bench::Bench;
use super::engine::{Engine, EngineWork, FRACTION_BITS, Sequence, Turn};
use super::round::{Steady, Stretch};
use super::sharing::Sharing;
use super::station::Station;
use super::{Discipline, slots};
use crate::agenda::Agenda;
use crate::clock::SimTime;
use crate::id::{AttemptSlot, ClockSlot, PodId, ServerId, ServiceId, Table};
use crate::ledger::Done;
use crate::traffic::{Arena, Attempt, Fifo, NONE};
use std::ops::{Deref, DerefMut};

/// A server at work. The station and the work of its discipline are two fields, so that the discipline
/// can change both; the rest of the world uses a server as its station.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Server {
    station: Station,
    work: Work,
}

#[derive(Debug, Default)]
enum Work {
    #[default]
    Slots,
    Sharing(Box<Sharing>),
    Batching(Box<Batching>),
    Engine(Box<Engine>),
}

impl Deref for Server {
    type Target = Station;

    #[inline]
    fn deref(&self) -> &Station {
        &self.station
    }
}

impl DerefMut for Server {
    #[inline]
    fn deref_mut(&mut self) -> &mut Station {
        &mut self.station
    }
}

impl Server {
    /// Up to this many waiting attempts are checked one by one for the first possible end.
    const FEW: u32 = 4;

    pub(crate) fn new(id: ServerId, pod: PodId, service: ServiceId, discipline: &Discipline) -> Self {
        let work = match discipline {
            Discipline::Slots { .. } => Work::Slots,
            Discipline::Sharing { .. } => Work::Sharing(Box::default()),
            Discipline::DynamicBatch(config) => Work::Batching(Box::new(Batching::new(config))),
            Discipline::ContinuousBatch(config) => Work::Engine(Box::new(Engine::new(config))),
        };
        let station = Station { id, pod, service, clock: ClockSlot::NONE, position: NONE, ..Station::default() };
        Server { station, work }
    }

    /// It has run before the simulation began.
    pub(crate) fn warm(&mut self) {
        if let Work::Engine(engine) = &mut self.work {
            engine.warm();
        }
    }

    /// Attempts that this server holds.
    pub(crate) fn held(&self) -> u32 {
        let aside = match &self.work {
            Work::Batching(batching) => batching.aside(),
            _ => 0,
        };
        self.station.running + self.station.waiting.len() + aside
    }

    /// Waiting attempts as the server's own gauge shows them, up to the last [`Server::settle`]:
    /// vLLM counts those that its scheduler has looked at and left (`len(self.waiting)` at the end
    /// of a step), not those that came during an iteration or are still in the front end.
    pub(crate) fn shown_waiting(
        &self,
        discipline: &Discipline,
        attempts: &Arena<AttemptSlot, Attempt>,
        sequences: &Table<AttemptSlot, Sequence>,
    ) -> u32 {
        let (Work::Engine(engine), Discipline::ContinuousBatch(config)) = (&self.work, discipline) else {
            return self.held() - self.station.running;
        };
        // The queue is in the order in which attempts became ready.
        let (mut seen, mut next) = (0, self.station.waiting.front());
        while let Some(index) = next.filter(|&index| engine.has_seen(config, &sequences[index])) {
            seen += 1;
            next = Some(attempts[index].next).filter(|&next| next != AttemptSlot::NONE);
        }
        seen
    }

    /// Tokens at the engine as a scheduler's metrics show them, up to the last [`Server::settle`]:
    /// prompts that wait, context of running sequences, context of preempted ones. Zeros without an
    /// engine.
    pub(crate) fn token_work(
        &self,
        attempts: &Arena<AttemptSlot, Attempt>,
        sequences: &Table<AttemptSlot, Sequence>,
    ) -> TokenWork {
        let Work::Engine(engine) = &self.work else { return TokenWork::default() };
        let mut work = TokenWork {
            queued_prompt: engine.partial_prompt(sequences),
            running_context: engine.running_context(sequences),
            queued_context: 0,
        };
        let mut next = self.station.waiting.front();
        while let Some(index) = next {
            let sequence = &sequences[index];
            let tokens = sequence.left_of_prefill();
            if sequence.was_preempted() {
                work.queued_context += tokens;
            } else {
                work.queued_prompt += tokens;
            }
            next = Fifo::after(attempts, index);
        }
        work
    }

    /// Takes an attempt into an engine: starts it or lets it wait.
    #[inline]
    pub(crate) fn accept_in_engine(&mut self, index: AttemptSlot, bench: &mut Bench<'_>) {
        self.station.meter.accepted += 1;
        // An engine need not catch up: a new attempt joins at a later boundary than the ones not
        // yet played. But a sum of floats must be cut into the same parts each time.
        if !self.station.meter.is_exact() {
            self.settle_meter(bench);
        }
        self.with_engine(|engine, station| engine.accept(station, index, bench));
    }

    #[cold]
    #[inline(never)]
    fn settle_meter(&mut self, bench: &mut Bench<'_>) {
        self.catch_up(bench);
        self.station.meter.advance(bench.agenda.now(), self.station.running);
    }

    /// Takes an attempt: starts it or lets it wait.
    #[inline(never)]
    pub(crate) fn accept(&mut self, index: AttemptSlot, bench: &mut Bench<'_>) {
        if matches!(bench.discipline, Discipline::ContinuousBatch(_)) {
            return self.accept_in_engine(index, bench);
        }
        self.station.meter.accepted += 1;
        self.station.meter.advance(bench.agenda.now(), self.station.running);
        match bench.discipline {
            &Discipline::Slots { concurrency } => {
                slots::accept(&mut self.station, index, concurrency, bench.agenda, bench.attempts);
            }
            Discipline::Sharing { .. } => self.with_sharing(|sharing, station| sharing.accept(station, index, bench)),
            Discipline::DynamicBatch(_) => {
                self.with_batching(|batching, station| batching.accept(station, index, bench));
            }
            Discipline::ContinuousBatch(_) => {}
        }
    }

    /// Whether an event is the one that the engine waits for.
    pub(crate) fn expects_step(&self, generation: u64) -> bool {
        matches!(&self.work, Work::Engine(engine) if engine.expects(generation))
    }

    /// An engine's event: moves attempts that leave to `done`. False if it was stale.
    #[inline]
    pub(crate) fn engine_step(&mut self, generation: u64, bench: &mut Bench<'_>, done: &mut Vec<AttemptSlot>) -> bool {
        let mut live = false;
        self.with_engine(|engine, station| live = engine.step(station, generation, bench, done));
        live
    }

    /// Updates everything that is measured, up to now.
    pub(crate) fn settle(&mut self, bench: &mut Bench<'_>) {
        self.catch_up(bench);
        self.station.meter.advance(bench.agenda.now(), self.station.running);
        if let Work::Engine(engine) = &mut self.work {
            engine.settle(bench.agenda.last_step_of(self.station.id), bench);
        }
    }

    /// Lets the engine play what has happened since its last event.
    #[inline]
    fn catch_up(&mut self, bench: &mut Bench<'_>) {
        let Work::Engine(engine) = &self.work else { return };
        let last = bench.agenda.last_step_of(self.station.id);
        if engine.is_behind(last) {
            let mut done = Vec::new();
            self.with_engine(|engine, station| engine.catch_up(station, last, bench, &mut done));
            debug_assert!(done.is_empty(), "a sequence ended before the engine's event");
        }
    }

    /// From now on the server shares its GPUs, and their clock, with others.
    pub(crate) fn share(&mut self, clock: ClockSlot) {
        self.station.clock = clock;
        if let Work::Engine(engine) = &mut self.work {
            engine.share();
        }
    }

    /// Whether the engine has the turn, and the clock at the boundary where it stands.
    pub(crate) fn turn(&self) -> (Turn, u128) {
        match &self.work {
            Work::Engine(engine) => (engine.turn(), engine.clock()),
            _ => (Turn::Alone, 0),
        }
    }

    /// Gives the engine the turn; attempts that leave move to `done`.
    pub(crate) fn take_turn(
        &mut self,
        clock: u128,
        contended: bool,
        bench: &mut Bench<'_>,
        done: &mut Vec<AttemptSlot>,
    ) {
        self.with_engine(|engine, station| engine.take_turn(station, clock, contended, bench, done));
    }

    /// Whether the engine has the turn and gives it to another member before the present event.
    #[inline]
    pub(crate) fn gives_turn(&self, agenda: &Agenda) -> bool {
        matches!(&self.work, Work::Engine(engine) if engine.gives_turn(agenda.last_step_of(self.station.id)))
    }

    /// The engine, which has the turn, plays its iteration and gives the turn up.
    pub(crate) fn give_turn(&mut self, bench: &mut Bench<'_>) {
        self.catch_up(bench);
    }

    /// What the engine does in its next turns, if each turn is like the one before.
    pub(crate) fn steady(&self, discipline: &Discipline, sequences: &Table<AttemptSlot, Sequence>) -> Option<Steady> {
        let (Work::Engine(engine), Discipline::ContinuousBatch(config)) = (&self.work, discipline) else { return None };
        let waiting = self.station.waiting.front().map(|index| &sequences[index]);
        if self.station.meter.is_exact() { engine.steady(config, waiting) } else { None }
    }

    /// Plays its turns of many rounds at once.
    pub(crate) fn play_turns(&mut self, own: &Steady, stretch: &Stretch, bench: &mut Bench<'_>) {
        self.with_engine(|engine, station| engine.play_turns(own, stretch, station, bench));
    }

    /// Makes sure that the engine has an event at `at` or before.
    pub(crate) fn wake_by(&mut self, at: SimTime, bench: &mut Bench<'_>) {
        self.with_engine(|engine, station| engine.wake_by(at, station.id, bench));
    }

    /// Makes sure that the engine has an event when its iterations end, or before.
    pub(crate) fn wake_at_end(&mut self, bench: &mut Bench<'_>) {
        self.with_engine(|engine, station| engine.wake_at_end(station.id, bench));
    }

    /// No waiting sequence that joins at `from` or later can end before the returned instant.
    pub(crate) fn newcomers_end(&self, from: SimTime, bench: &Bench<'_>) -> SimTime {
        let (Work::Engine(_), Discipline::ContinuousBatch(config)) = (&self.work, bench.discipline) else {
            return SimTime::MAX;
        };
        let (mut end, mut next, mut left) = (SimTime::MAX, self.station.waiting.front(), Self::FEW);
        while let Some(index) = next {
            if left == 0 {
                return from;
            }
            left -= 1;
            end = end.min(config.least_end(&bench.sequences[index], from));
            next = Fifo::after(bench.attempts, index);
        }
        end
    }

    /// Another engine on the same GPUs waits for the turn.
    pub(crate) fn contend(&mut self, bench: &mut Bench<'_>) {
        self.catch_up(bench);
        let last = bench.agenda.last_step_of(self.station.id);
        self.with_engine(|engine, station| engine.contend(station.id, last, bench));
    }

    /// Work done up to the last [`Server::settle`].
    pub(crate) fn done(&self) -> Done {
        let busy_ps = u128::from(self.station.meter.busy.as_ps());
        Done { busy_ps, running_ps: self.station.meter.running_ps, engine: self.engine_work() }
    }

    /// Work of its engine up to the last [`Server::settle`]; nothing without an engine.
    pub(crate) fn engine_work(&self) -> EngineWork {
        match &self.work {
            Work::Engine(engine) => engine.work(),
            _ => EngineWork::default(),
        }
    }

    /// Share of its engine's KV cache in use; 0 without an engine.
    pub(crate) fn cache_use(&self) -> f64 {
        match &self.work {
            Work::Engine(engine) => engine.cache_use(),
            _ => 0.0,
        }
    }

    /// Whether it now runs more sequences, or holds more context, than its time model was validated
    /// for.
    #[inline]
    pub(crate) fn is_beyond_band(&self, discipline: &Discipline) -> bool {
        match (&self.work, discipline) {
            (Work::Engine(engine), Discipline::ContinuousBatch(config)) => engine.is_beyond_band(config),
            _ => false,
        }
    }

    /// Takes an attempt into one of its slots, or lets it wait.
    #[inline]
    pub(crate) fn accept_in_slots(
        &mut self,
        index: AttemptSlot,
        concurrency: u32,
        agenda: &mut Agenda,
        attempts: &mut Arena<AttemptSlot, Attempt>,
    ) {
        self.station.meter.accepted += 1;
        self.station.meter.advance(agenda.now(), self.station.running);
        slots::accept(&mut self.station, index, concurrency, agenda, attempts);
    }

    /// A slot has finished an attempt: it leaves and the next one starts.
    #[inline]
    pub(crate) fn slot_done(
        &mut self,
        index: AttemptSlot,
        agenda: &mut Agenda,
        attempts: &mut Arena<AttemptSlot, Attempt>,
    ) {
        self.station.meter.advance(agenda.now(), self.station.running);
        slots::release(&mut self.station, index, agenda, attempts);
    }

    /// The event of processor sharing: moves finished attempts to `done`. False if it is stale.
    pub(crate) fn share_done(&mut self, generation: u64, bench: &mut Bench<'_>, done: &mut Vec<AttemptSlot>) -> bool {
        self.station.meter.advance(bench.agenda.now(), self.station.running);
        let mut live = false;
        self.with_sharing(|sharing, station| live = sharing.step(station, generation, bench, done));
        live
    }

    /// The host stage has finished an attempt.
    pub(crate) fn host_done(&mut self, index: AttemptSlot, bench: &mut Bench<'_>) {
        self.station.meter.advance(bench.agenda.now(), self.station.running);
        self.with_batching(|batching, station| batching.host_done(station, index, bench));
    }

    /// The host stage has finished an attempt that was cancelled meanwhile.
    pub(crate) fn host_dropped(&mut self, index: AttemptSlot, attempts: &mut Arena<AttemptSlot, Attempt>) {
        if let Work::Batching(batching) = &mut self.work {
            batching.host_dropped(index, attempts);
        }
    }

    /// The oldest attempt of a batching server has waited for the maximum delay.
    pub(crate) fn batch_delay(&mut self, bench: &mut Bench<'_>) {
        self.station.meter.advance(bench.agenda.now(), self.station.running);
        self.with_batching(|batching, station| batching.dispatch(station, bench));
    }

    /// A batch has ended: moves its attempts to `done`.
    pub(crate) fn batch_done(&mut self, instance: u16, bench: &mut Bench<'_>, done: &mut Vec<AttemptSlot>) {
        self.station.meter.advance(bench.agenda.now(), self.station.running);
        self.with_batching(|batching, station| batching.finish(station, instance, bench, done));
    }

    /// Withdraws an attempt. True if its record is free now; otherwise its work goes on.
    pub(crate) fn withdraw(&mut self, index: AttemptSlot, bench: &mut Bench<'_>) -> bool {
        self.catch_up(bench);
        self.station.meter.advance(bench.agenda.now(), self.station.running);
        let mut free = false;
        match &mut self.work {
            Work::Slots => free = slots::withdraw(&mut self.station, index, bench),
            Work::Sharing(_) => self.with_sharing(|sharing, station| free = sharing.withdraw(station, index, bench)),
            Work::Batching(_) => free = Batching::withdraw(&mut self.station, index, bench),
            Work::Engine(_) => self.with_engine(|engine, station| free = engine.withdraw(station, index, bench)),
        }
        free
    }

    /// Takes all attempts out at once, as when the process is killed. Call `settle` before.
    pub(crate) fn kill(&mut self, bench: &mut Bench<'_>, lost: &mut Vec<AttemptSlot>) {
        while let Some(index) = self.station.waiting.pop(bench.attempts) {
            lost.push(index);
        }
        match std::mem::take(&mut self.work) {
            Work::Slots => {
                while let Some(index) = self.station.in_slots.pop(bench.attempts) {
                    lost.push(index);
                }
            }
            Work::Sharing(sharing) => sharing.running(bench.attempts, self.station.id.slot(), lost),
            Work::Batching(mut batching) => batching.kill(bench.attempts, lost),
            Work::Engine(mut engine) => {
                engine.kill(self.station.id, bench, lost);
                // The work that the engine did is still asked for.
                self.work = Work::Engine(engine);
            }
        }
        self.station.running = 0;
    }

    fn with_sharing(&mut self, f: impl FnOnce(&mut Sharing, &mut Station)) {
        if let Work::Sharing(sharing) = &mut self.work {
            f(sharing, &mut self.station);
        }
    }

    fn with_engine(&mut self, f: impl FnOnce(&mut Engine, &mut Station)) {
        if let Work::Engine(engine) = &mut self.work {
            f(engine, &mut self.station);
        }
    }

    fn with_batching(&mut self, f: impl FnOnce(&mut Batching, &mut Station)) {
        if let Work::Batching(batching) = &mut self.work {
            f(batching, &mut self.station);
        }
    }
}

/// Tokens at one engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TokenWork {
    /// Prompt tokens that wait to be computed.
    pub(crate) queued_prompt: u64,
    /// Context tokens in the cache of running sequences.
    pub(crate) running_context: u64,
    /// Context tokens of preempted sequences.
    pub(crate) queued_context: u64,
}

/// Seconds since a server's start in which parts of its GPU were active.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Activity {
    pub(crate) sm: f64,
    pub(crate) tensor: f64,
    pub(crate) dram: f64,
}

impl Discipline {
    /// What profiling counters show of a server, up to its last [`Server::settle`]. Definitions:
    /// SMs are active except during the fixed overhead of an iteration; tensor cores for as long as
    /// the computed tokens take at the peak; DRAM for as long as the reads take at the peak.
    pub(crate) fn activity_s(&self, server: &Server) -> Activity {
        let Discipline::ContinuousBatch(config) = self else {
            // Nothing is known of what the kernels of other disciplines do.
            let kernel = server.meter.kernel_s();
            return Activity { sm: kernel, tensor: 0.0, dram: 0.0 };
        };
        let work = server.engine_work();
        let [overhead_s, weights_s, context_s] = config.time.seconds();
        let iterations = work.iterations as f64;
        let parts_s = work.parts_read as f64 / (1e12 * f64::from(1_u32 << FRACTION_BITS));
        Activity {
            sm: (server.meter.busy.as_s_f64() - overhead_s * iterations).max(0.0),
            tensor: work.tokens as f64 * config.peak_token_s,
            dram: config.read_efficiency * (weights_s * iterations + context_s * work.context_read as f64 + parts_s),
        }
    }
}
