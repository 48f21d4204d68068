//! One server at work: what all disciplines share.

use super::batch::Batching;
use super::engine::{Clock, Engine, EngineWork, FRACTION_BITS, Leap, Sequence, Turn};
use super::round::{Steady, Stretch};
use super::sharing::Sharing;
use super::{Discipline, slots};
use crate::agenda::Agenda;
use crate::clock::{SimDuration, SimTime};
use crate::id::{AttemptSlot, ClockSlot, PodId, ServerId, ServiceId, Table};
use crate::ledger::{Done, Latency};
use crate::traffic::Prefixes;
use crate::traffic::{Arena, NONE};
use crate::traffic::{Attempt, Fifo};

/// What a server works with at one instant: lent by the simulation for one call.
pub(crate) struct Bench<'a> {
    pub(crate) agenda: &'a mut Agenda,
    pub(crate) attempts: &'a mut Arena<AttemptSlot, Attempt>,
    pub(crate) discipline: &'a Discipline,
    /// What engines know of attempts, by the attempts' indices.
    pub(crate) sequences: &'a mut Table<AttemptSlot, Sequence>,
    /// Names of the blocks of prompts.
    pub(crate) prefixes: &'a Prefixes,
    /// Attempts whose first token has just come.
    pub(crate) first_tokens: &'a mut Vec<AttemptSlot>,
    /// Leaps and their decodes, if a signal wants every gap between tokens.
    pub(crate) gaps: Option<&'a mut Vec<(Leap, u64)>>,
    pub(crate) latency: &'a mut Latency,
    /// What ends before this is not measured.
    pub(crate) warmup: SimTime,
}

impl Bench<'_> {
    /// An attempt enters service at `at`: now, or where an engine stands that catches up.
    #[inline]
    pub(crate) fn start(&mut self, index: AttemptSlot, at: SimTime) {
        self.attempts[index].start(at);
    }

    /// `decodes` sequences have had a token in each iteration of a leap from `clock` on, which took so
    /// many units.
    #[inline]
    pub(crate) fn gaps(&mut self, leap: Leap, clock: Clock, units: u128, decodes: u64) {
        if let Some(gaps) = &mut self.gaps {
            gaps.push((leap, decodes));
        }
        if clock.at < self.warmup {
            return self.gaps_of_warm_up(leap, clock, decodes);
        }
        if let Some(tokens) = &mut self.latency.tokens {
            tokens.record_leap(leap, units, decodes);
        }
    }

    /// The same, where the leap began before the end of the warm-up: what ends at that is measured.
    #[cold]
    fn gaps_of_warm_up(&mut self, leap: Leap, clock: Clock, decodes: u64) {
        let Some(tokens) = &mut self.latency.tokens else { return };
        let skipped = match self.warmup.as_ps().checked_sub(1) {
            Some(ps) => leap.first_after(clock.units, SimTime::from_ps(ps)).saturating_sub(1).min(leap.len),
            None => 0,
        };
        let rest = leap.rest(skipped);
        tokens.record_leap(rest, rest.units(rest.len), decodes);
    }
    /// One sequence has waited for so long between two tokens, of which the second came at `at`.
    pub(crate) fn gap(&mut self, gap: SimDuration, at: SimTime) {
        if let Some(gaps) = &mut self.gaps {
            // Longer gaps than fit are in the last bucket anyway.
            let first = gap.as_ps().saturating_mul(1 << FRACTION_BITS);
            gaps.push((Leap { len: 1, first, growth: 0 }, 1));
        }
        if let Some(tokens) = &mut self.latency.tokens
            && at >= self.warmup
        {
            tokens.record_gap(gap);
        }
    }
}

/// A server at work. Its first cache line is what an attempt that comes or goes needs, the second what is
/// measured then.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Server {
    pub(crate) id: ServerId,
    /// The pod that it runs in.
    pub(crate) pod: PodId,
    /// The service whose attempts it serves.
    pub(crate) service: ServiceId,
    /// The clock of its GPUs, where it shares them with other servers.
    pub(crate) clock: ClockSlot,
    /// Position in its service's rotation, or [`NONE`].
    pub(crate) position: u32,
    /// Attempts sent here and not yet ended, those on their way included, once it is out of rotation; until
    /// then the rotation counts them.
    pub(crate) outstanding: u32,
    /// Attempts in service.
    pub(crate) running: u32,
    /// The region of its node.
    pub(crate) region: u16,
    /// Killed: what arrives is lost.
    pub(crate) dead: bool,
    /// Attempts that wait here.
    pub(crate) waiting: Fifo,
    /// Attempts in service in its slots, if it works so.
    pub(crate) in_slots: Fifo,
    pub(crate) meter: Meter,
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

impl Server {
    /// So many that wait are looked at one by one, to know when the first could end.
    const FEW: u32 = 4;

    pub(crate) fn new(id: ServerId, pod: PodId, service: ServiceId, discipline: &Discipline) -> Self {
        let work = match discipline {
            Discipline::Slots { .. } => Work::Slots,
            Discipline::Sharing { .. } => Work::Sharing(Box::default()),
            Discipline::DynamicBatch(config) => Work::Batching(Box::new(Batching::new(config))),
            Discipline::ContinuousBatch(config) => Work::Engine(Box::new(Engine::new(config))),
        };
        Server {
            id,
            pod,
            service,
            clock: ClockSlot::NONE,
            position: NONE,
            outstanding: 0,
            region: 0,
            dead: false,
            running: 0,
            waiting: Fifo::default(),
            in_slots: Fifo::default(),
            meter: Meter::default(),
            work,
        }
    }

    /// Attempts that this server holds.
    pub(crate) fn held(&self) -> u32 {
        let aside = match &self.work {
            Work::Batching(batching) => batching.aside(),
            _ => 0,
        };
        self.running + self.waiting.len() + aside
    }

    /// Attempts that wait as a gauge of the server shows them, up to the last [`Server::settle`]:
    /// vLLM counts those that its scheduler has looked at and left (`len(self.waiting)` at the end
    /// of a step), not those that came during an iteration or are still in the front end.
    pub(crate) fn shown_waiting(
        &self,
        discipline: &Discipline,
        attempts: &Arena<AttemptSlot, Attempt>,
        sequences: &Table<AttemptSlot, Sequence>,
    ) -> u32 {
        let (Work::Engine(engine), Discipline::ContinuousBatch(config)) = (&self.work, discipline) else {
            return self.held() - self.running;
        };
        // They stand in the order in which they became ready.
        let (mut seen, mut next) = (0, self.waiting.front());
        while let Some(index) = next.filter(|&index| engine.has_seen(config, &sequences[index])) {
            seen += 1;
            next = Some(attempts[index].next).filter(|&next| next != AttemptSlot::NONE);
        }
        seen
    }

    /// Tokens at its engine as a scheduler's metrics show them, up to the last [`Server::settle`]:
    /// prompts that wait, context that runs, context of preempted sequences. Zeros without an engine.
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
        let mut next = self.waiting.front();
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

    /// Takes an attempt: starts it or lets it wait.
    #[inline]
    pub(crate) fn accept(&mut self, index: AttemptSlot, bench: &mut Bench<'_>) {
        self.meter.accepted += 1;
        // An engine need not catch up: who comes now joins at a later boundary than those that it has
        // not played. But what is summed in floats is summed in the same parts.
        let is_engine = matches!(bench.discipline, Discipline::ContinuousBatch(_));
        if is_engine && !self.meter.is_exact() {
            self.catch_up(bench);
        }
        if !is_engine || !self.meter.is_exact() {
            self.meter.advance(bench.agenda.now(), self.running);
        }
        match bench.discipline {
            &Discipline::Slots { concurrency } => {
                slots::accept(self, index, concurrency, bench.agenda, bench.attempts);
            }
            Discipline::Sharing { .. } => self.with_sharing(|sharing, server| sharing.accept(server, index, bench)),
            Discipline::DynamicBatch(_) => {
                self.with_batching(|batching, server| batching.accept(server, index, bench));
            }
            Discipline::ContinuousBatch(_) => self.with_engine(|engine, server| engine.accept(server, index, bench)),
        }
    }

    /// Whether an event of its engine is the one that it waits for.
    pub(crate) fn expects_step(&self, generation: u64) -> bool {
        matches!(&self.work, Work::Engine(engine) if engine.expects(generation))
    }

    /// An engine's event: moves attempts that leave to `done`. False if it was stale.
    #[inline]
    pub(crate) fn engine_step(&mut self, generation: u64, bench: &mut Bench<'_>, done: &mut Vec<AttemptSlot>) -> bool {
        let mut live = false;
        self.with_engine(|engine, server| live = engine.step(server, generation, bench, done));
        live
    }

    /// Brings everything that is measured to now.
    pub(crate) fn settle(&mut self, bench: &mut Bench<'_>) {
        self.catch_up(bench);
        self.meter.advance(bench.agenda.now(), self.running);
        if let Work::Engine(engine) = &mut self.work {
            engine.settle(bench.agenda.last_step_of(self.id), bench);
        }
    }

    /// Lets an engine play what has happened since its last event.
    #[inline]
    fn catch_up(&mut self, bench: &mut Bench<'_>) {
        let Work::Engine(engine) = &self.work else { return };
        let last = bench.agenda.last_step_of(self.id);
        if engine.is_behind(last) {
            let mut done = Vec::new();
            self.with_engine(|engine, server| engine.catch_up(server, last, bench, &mut done));
            debug_assert!(done.is_empty(), "a sequence ended before the engine's event");
        }
    }

    /// It shares its GPUs, and their clock, with others from now on.
    pub(crate) fn share(&mut self, clock: ClockSlot) {
        self.clock = clock;
        if let Work::Engine(engine) = &mut self.work {
            engine.share();
        }
    }

    /// Whether its engine has the turn, and the group's clock where it stands.
    pub(crate) fn turn(&self) -> (Turn, u128) {
        match &self.work {
            Work::Engine(engine) => (engine.turn(), engine.clock()),
            _ => (Turn::Alone, 0),
        }
    }

    /// Gives its engine the turn; attempts that leave move to `done`.
    pub(crate) fn take_turn(
        &mut self,
        clock: u128,
        contended: bool,
        bench: &mut Bench<'_>,
        done: &mut Vec<AttemptSlot>,
    ) {
        self.with_engine(|engine, server| engine.take_turn(server, clock, contended, bench, done));
    }

    /// Whether its engine has the turn and gives it to another before what is handled now.
    #[inline]
    pub(crate) fn gives_turn(&self, agenda: &Agenda) -> bool {
        matches!(&self.work, Work::Engine(engine) if engine.gives_turn(agenda.last_step_of(self.id)))
    }

    /// Its engine, which has the turn, plays its iteration and gives the turn away.
    pub(crate) fn give_turn(&mut self, bench: &mut Bench<'_>) {
        self.catch_up(bench);
    }

    /// What its engine does in its next turns, if that is the same in each.
    pub(crate) fn steady(&self, discipline: &Discipline, sequences: &Table<AttemptSlot, Sequence>) -> Option<Steady> {
        let (Work::Engine(engine), Discipline::ContinuousBatch(config)) = (&self.work, discipline) else { return None };
        let waiting = self.waiting.front().map(|index| &sequences[index]);
        if self.meter.is_exact() { engine.steady(config, waiting) } else { None }
    }

    /// Plays its turns of many rounds at once.
    pub(crate) fn play_turns(&mut self, own: &Steady, stretch: &Stretch, bench: &mut Bench<'_>) {
        self.with_engine(|engine, server| engine.play_turns(own, stretch, server, bench));
    }

    /// Its engine has an event at `at` or before.
    pub(crate) fn wake_by(&mut self, at: SimTime, bench: &mut Bench<'_>) {
        self.with_engine(|engine, server| engine.wake_by(at, server.id, bench));
    }

    /// Its engine has an event when its iterations end, or before.
    pub(crate) fn wake_at_end(&mut self, bench: &mut Bench<'_>) {
        self.with_engine(|engine, server| engine.wake_at_end(server.id, bench));
    }

    /// No sequence that waits here, and joins at `from` or later, ends before this.
    pub(crate) fn newcomers_end(&self, from: SimTime, bench: &Bench<'_>) -> SimTime {
        let (Work::Engine(_), Discipline::ContinuousBatch(config)) = (&self.work, bench.discipline) else {
            return SimTime::MAX;
        };
        let (mut end, mut next, mut left) = (SimTime::MAX, self.waiting.front(), Self::FEW);
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

    /// Another engine of its group waits.
    pub(crate) fn contend(&mut self, bench: &mut Bench<'_>) {
        self.catch_up(bench);
        let last = bench.agenda.last_step_of(self.id);
        self.with_engine(|engine, server| engine.contend(server.id, last, bench));
    }

    /// What it has done, up to the last [`Server::settle`].
    pub(crate) fn done(&self) -> Done {
        let busy_ps = u128::from(self.meter.busy.as_ps());
        Done { busy_ps, running_ps: self.meter.running_ps, engine: self.engine_work() }
    }

    /// What its engine has done, up to the last [`Server::settle`]; nothing without one.
    pub(crate) fn engine_work(&self) -> EngineWork {
        match &self.work {
            Work::Engine(engine) => engine.work(),
            _ => EngineWork::default(),
        }
    }

    /// Share of its engine's KV cache in use; 0 without one.
    pub(crate) fn cache_use(&self) -> f64 {
        match &self.work {
            Work::Engine(engine) => engine.cache_use(),
            _ => 0.0,
        }
    }

    /// Whether it now runs more, or holds more context, than its time law was measured with.
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
        self.meter.accepted += 1;
        self.meter.advance(agenda.now(), self.running);
        slots::accept(self, index, concurrency, agenda, attempts);
    }

    /// A slot has finished an attempt: it leaves and the next one starts.
    #[inline]
    pub(crate) fn slot_done(
        &mut self,
        index: AttemptSlot,
        agenda: &mut Agenda,
        attempts: &mut Arena<AttemptSlot, Attempt>,
    ) {
        self.meter.advance(agenda.now(), self.running);
        slots::release(self, index, agenda, attempts);
    }

    /// The shared group's event: moves finished attempts to `done`. False if it was stale.
    pub(crate) fn share_done(&mut self, generation: u64, bench: &mut Bench<'_>, done: &mut Vec<AttemptSlot>) -> bool {
        self.meter.advance(bench.agenda.now(), self.running);
        let mut live = false;
        self.with_sharing(|sharing, server| live = sharing.step(server, generation, bench, done));
        live
    }

    /// The host stage has passed an attempt on.
    pub(crate) fn host_done(&mut self, index: AttemptSlot, bench: &mut Bench<'_>) {
        self.meter.advance(bench.agenda.now(), self.running);
        self.with_batching(|batching, server| batching.host_done(server, index, bench));
    }

    /// The host stage has passed an attempt on that nobody wants any more.
    pub(crate) fn host_dropped(&mut self, index: AttemptSlot, attempts: &mut Arena<AttemptSlot, Attempt>) {
        if let Work::Batching(batching) = &mut self.work {
            batching.host_dropped(index, attempts);
        }
    }

    /// A batching server's oldest attempt has waited for long enough.
    pub(crate) fn batch_delay(&mut self, bench: &mut Bench<'_>) {
        self.meter.advance(bench.agenda.now(), self.running);
        self.with_batching(|batching, server| batching.dispatch(server, bench));
    }

    /// A batch has ended: moves its attempts to `done`.
    pub(crate) fn batch_done(&mut self, instance: u16, bench: &mut Bench<'_>, done: &mut Vec<AttemptSlot>) {
        self.meter.advance(bench.agenda.now(), self.running);
        self.with_batching(|batching, server| batching.finish(server, instance, bench, done));
    }

    /// Withdraws an attempt. True if its record is free now; otherwise its work goes on.
    pub(crate) fn withdraw(&mut self, index: AttemptSlot, bench: &mut Bench<'_>) -> bool {
        self.catch_up(bench);
        self.meter.advance(bench.agenda.now(), self.running);
        let mut free = false;
        match &mut self.work {
            Work::Slots => free = slots::withdraw(self, index, bench),
            Work::Sharing(_) => self.with_sharing(|sharing, server| free = sharing.withdraw(server, index, bench)),
            Work::Batching(_) => free = Batching::withdraw(self, index, bench),
            Work::Engine(_) => self.with_engine(|engine, server| free = engine.withdraw(server, index, bench)),
        }
        free
    }

    /// Takes everything out at once, as when the process is killed; settled before.
    pub(crate) fn kill(&mut self, bench: &mut Bench<'_>, lost: &mut Vec<AttemptSlot>) {
        while let Some(index) = self.waiting.pop(bench.attempts) {
            lost.push(index);
        }
        match std::mem::take(&mut self.work) {
            Work::Slots => {
                while let Some(index) = self.in_slots.pop(bench.attempts) {
                    lost.push(index);
                }
            }
            Work::Sharing(sharing) => sharing.running(bench.attempts, self.id.slot(), lost),
            Work::Batching(mut batching) => batching.kill(bench.attempts, lost),
            Work::Engine(mut engine) => {
                engine.kill(self.id, bench, lost);
                // What it did is still asked for.
                self.work = Work::Engine(engine);
            }
        }
        self.running = 0;
    }

    // The discipline's state steps out of the server for the call, so that both can change.
    fn with_sharing(&mut self, f: impl FnOnce(&mut Sharing, &mut Server)) {
        if let Work::Sharing(mut state) = std::mem::take(&mut self.work) {
            f(&mut state, self);
            self.work = Work::Sharing(state);
        }
    }

    fn with_engine(&mut self, f: impl FnOnce(&mut Engine, &mut Server)) {
        if let Work::Engine(mut state) = std::mem::take(&mut self.work) {
            f(&mut state, self);
            // There is nothing to drop in its place.
            std::mem::forget(std::mem::replace(&mut self.work, Work::Engine(state)));
        }
    }

    fn with_batching(&mut self, f: impl FnOnce(&mut Batching, &mut Server)) {
        if let Work::Batching(mut state) = std::mem::take(&mut self.work) {
            f(&mut state, self);
            self.work = Work::Batching(state);
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

/// Integrals over time of what a server does, from which signals and the bill are made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meter {
    touched: SimTime,
    /// Time with work in service.
    pub(crate) busy: SimDuration,
    /// Attempts in service, times picoseconds.
    pub(crate) running_ps: u128,
    /// Time in which any kernel ran, if kernels run for only a share of the service time.
    kernel_ps: f64,
    /// One minus that share; 0 when kernels run all the time.
    kernel_gap: f64,
    /// Attempts completed.
    pub(crate) completed: u64,
    /// Attempts accepted.
    pub(crate) accepted: u64,
}

impl Meter {
    pub(crate) fn set_kernel_share(&mut self, share: f64) {
        self.kernel_gap = 1.0 - share.clamp(0.0, 1.0);
    }

    /// Brings the integrals to `now`; `running` attempts were in service since the last call.
    #[inline]
    pub(crate) fn advance(&mut self, now: SimTime, running: u32) {
        let span = now.since(self.touched);
        self.touched = now;
        if running == 0 || span.is_zero() {
            return;
        }
        self.busy += span;
        self.running_ps += u128::from(span.as_ps()) * u128::from(running);
        if self.kernel_gap > 0.0 {
            // Kernels of k independent attempts: some runs unless all are in their gaps.
            self.kernel_ps += span.as_ps() as f64 * (1.0 - self.kernel_gap.powi(running.min(1 << 20) as i32));
        }
    }

    /// Whether its integrals are integers all: then it does not matter into which parts time is cut.
    #[inline]
    fn is_exact(&self) -> bool {
        self.kernel_gap == 0.0
    }

    /// Seconds in which any kernel ran, up to the last advance.
    pub(crate) fn kernel_s(&self) -> f64 {
        if self.kernel_gap > 0.0 { self.kernel_ps / 1e12 } else { self.busy.as_s_f64() }
    }
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
    /// SMs are active but for the fixed overhead of an iteration; tensor cores for as long as the
    /// computed tokens take at the peak; DRAM for as long as the reads take at the peak.
    pub(crate) fn activity_s(&self, server: &Server) -> Activity {
        let Discipline::ContinuousBatch(config) = self else {
            // Nothing is known of what the kernels of other disciplines do.
            let kernel = server.meter.kernel_s();
            return Activity { sm: kernel, tensor: 0.0, dram: 0.0 };
        };
        let work = server.engine_work();
        let [overhead_s, weights_s, context_s] = config.law.seconds();
        let iterations = work.iterations as f64;
        Activity {
            sm: (server.meter.busy.as_s_f64() - overhead_s * iterations).max(0.0),
            tensor: work.tokens as f64 * config.peak_token_s,
            dram: config.read_efficiency * (weights_s * iterations + context_s * work.context_read as f64),
        }
    }
}
