//! A token-level engine that plays each iteration and touches each sequence in it: slow, and
//! obviously right. What the leaping engine is held against.
//!
//! It shares nothing with that but the integer coefficients: lists instead of counts, whole
//! allocations instead of phases, a time that is worked out anew from each sequence
//! ([`crate::plain_law`]), and a scheduler written straight from vLLM's
//! (`vllm/v1/core/sched/scheduler.py`).

use crate::plain_law::{Chunk, PlainLaw};
use crate::plain_pool::Pool;
use flashcrowd_core::serving::{EngineConfig, Prefill};
use std::collections::{BTreeMap, VecDeque};

/// Bits of a picosecond's fraction in the engine's clock.
const FRACTION_BITS: u32 = 16;

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// When it reaches the server, in ps.
    pub at: u64,
    /// Prompt tokens.
    pub prompt: u32,
    /// Output tokens.
    pub output: u32,
    /// Names of the prompt's blocks, each for all tokens up to its end; or none.
    pub hashes: Vec<u64>,
    /// Tokens of such a block.
    pub hash_tokens: u32,
}

impl Asked {
    /// The name of a block of `size` tokens, if it has one: all but the prompt's last token's.
    fn name(&self, block: usize, size: u64) -> Option<(u64, usize)> {
        let last = (block as u64 + 1) * size - 1;
        if self.hashes.is_empty() || last + 1 >= u64::from(self.prompt) {
            return None;
        }
        Some((*self.hashes.get((last / u64::from(self.hash_tokens)) as usize)?, block))
    }
}

/// What became of one request, in ps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// When it was first admitted.
    pub started: u64,
    /// When its first token came.
    pub first_token: u64,
    /// When its last token came.
    pub ended: u64,
}

/// What an engine did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// By request; `None` if it had not ended by the horizon.
    pub served: Vec<Option<Served>>,
    /// Requests in the order of their ends.
    pub order: Vec<usize>,
    /// Every gap between two tokens in whole microseconds, sorted.
    pub gaps_us: Vec<u64>,
    /// Their exact sum, in units of 2^-16 ps.
    pub gap_units: u128,
    /// Iterations.
    pub iterations: u64,
    /// Most blocks in use at once.
    pub peak_blocks: u64,
    /// Preemptions.
    pub preemptions: u64,
    /// Tokens found in the cache.
    pub cached_tokens: u64,
}

#[derive(Clone, Debug)]
struct Job {
    id: usize,
    ready: u64,
    prompt: u64,
    output: u64,
    generated: u64,
    /// Tokens in the cache.
    computed: u64,
    /// Whether its prefill, first or again, is whole.
    decodes: bool,
    /// Its blocks: of each group of layers that keeps all tokens, one for the same tokens.
    blocks: Vec<Vec<usize>>,
    /// Its blocks in groups that keep a window, by number.
    window: BTreeMap<usize, Vec<usize>>,
    /// How many it has taken of the latter, and how many of them it has given back as the window slid.
    windowed: usize,
    behind: usize,
    /// Blocks that it left behind, whole ones only, each with the number of its content.
    left: Vec<Left>,
    /// The same in a windowed group, by number, and how many of them it had given back before.
    left_window: BTreeMap<usize, Left>,
    left_behind: usize,
    asked: Asked,
    started: Option<u64>,
    first_token: Option<u64>,
    last_token: u64,
    /// The engine's clock then.
    last_units: u128,
}

/// Blocks for the same tokens, of several groups, with the numbers of their contents.
type Left = Vec<(usize, u64)>;

fn of(left: &Left) -> Vec<usize> {
    left.iter().map(|left| left.0).collect()
}

impl Job {
    /// All its tokens so far, the one to be computed next included.
    fn tokens(&self) -> u64 {
        self.prompt + self.generated
    }
}

/// What of a job's blocks is in the cache.
#[derive(Debug, Default)]
struct Found {
    /// Leading blocks of the groups that keep all tokens.
    blocks: Vec<Vec<usize>>,
    /// Its own in the windowed groups.
    window: BTreeMap<usize, Vec<usize>>,
    /// Blocks of each windowed group that it takes anew.
    anew: usize,
}

/// Plays `asked` (sorted by time) on one engine until `horizon_ps`.
///
/// # Panics
/// If a request is longer than the cache.
pub fn play(config: &EngineConfig, law: &PlainLaw, asked: &[Asked], horizon_ps: u64) -> Played {
    let mut engine = Plain::new(config, law, asked);
    while engine.iterate(horizon_ps) {}
    engine.result()
}

/// One of several engines that share a group: its rules, its law, and what it is asked.
pub type Member = (EngineConfig, PlainLaw, Vec<Asked>);

/// Plays engines that share a GPU group: one iteration at a time, of the next in order that has
/// something to do.
///
/// # Panics
/// As [`play`].
pub fn play_group(members: &[Member], horizon_ps: u64) -> Vec<Played> {
    let mut engines: Vec<Plain<'_>> =
        members.iter().map(|(config, law, asked)| Plain::new(config, law, asked)).collect();
    let mut clock = 0_u128;
    let mut last = engines.len() - 1;
    loop {
        let now = (clock >> FRACTION_BITS) as u64;
        let count = engines.len();
        let next = (1..=count).map(|step| (last + step) % count).find(|&member| engines[member].has_work_at(now));
        if let Some(next) = next {
            engines[next].clock = clock;
            if !engines[next].iterate(horizon_ps) {
                break;
            }
            clock = engines[next].clock;
            last = next;
            continue;
        }
        let Some(ready) = engines.iter().filter_map(|engine| engine.coming.front()).map(|job| job.ready).min() else {
            break;
        };
        clock = u128::from(ready) << FRACTION_BITS;
        // Nobody had the turn: who asks first has it.
        last = engines.iter().position(|engine| engine.has_work_at(ready)).unwrap_or(0) + count - 1;
    }
    engines.into_iter().map(Plain::result).collect()
}

struct Plain<'a> {
    config: &'a EngineConfig,
    law: &'a PlainLaw,
    /// Not yet at the front end's far side.
    coming: VecDeque<Job>,
    waiting: VecDeque<Job>,
    running: Vec<Job>,
    pool: Pool,
    clock: u128,
    previous: u64,
    /// Iterations of decodes since it last looked at new requests, and since it last let prompts in; whether the
    /// iteration before had prompts.
    unseen: u32,
    shut: u32,
    had_prompts: bool,
    /// Stalls that are behind it, and its first prompts.
    stalls: usize,
    first_prompts: Option<u64>,
    played: Played,
}

impl<'a> Plain<'a> {
    fn new(config: &'a EngineConfig, law: &'a PlainLaw, asked: &[Asked]) -> Self {
        let job = |(id, asked): (usize, &Asked)| Job {
            id,
            ready: asked.at + config.front_end.as_ps(),
            prompt: u64::from(asked.prompt),
            output: u64::from(asked.output),
            asked: asked.clone(),
            generated: 0,
            computed: 0,
            decodes: false,
            blocks: Vec::new(),
            window: BTreeMap::new(),
            windowed: 0,
            behind: 0,
            left: Vec::new(),
            left_window: BTreeMap::new(),
            left_behind: 0,
            started: None,
            first_token: None,
            last_token: 0,
            last_units: 0,
        };
        let total = config.blocks as usize;
        Plain {
            config,
            law,
            coming: asked.iter().enumerate().map(job).collect(),
            waiting: VecDeque::new(),
            running: Vec::new(),
            pool: Pool {
                free: (0..total).collect(),
                content: vec![0; total],
                names: vec![None; total],
                holders: vec![0; total],
                by_name: BTreeMap::new(),
                named: BTreeMap::new(),
                total,
                next: 0,
                peak: 0,
            },
            clock: 0,
            previous: 0,
            unseen: 0,
            shut: 0,
            had_prompts: false,
            stalls: 0,
            first_prompts: None,
            played: Played { served: vec![None; asked.len()], ..Played::default() },
        }
    }

    fn now(&self) -> u64 {
        (self.clock >> FRACTION_BITS) as u64
    }

    fn result(mut self) -> Played {
        self.played.peak_blocks = self.pool.peak;
        self.played.gaps_us.sort_unstable();
        self.played
    }

    /// Whether it would work at `now`.
    fn has_work_at(&self, now: u64) -> bool {
        let comes = self.coming.front().is_some_and(|job| job.ready <= now);
        !self.running.is_empty() || !self.waiting.is_empty() || comes
    }

    /// One iteration. False when there is no more.
    fn iterate(&mut self, horizon_ps: u64) -> bool {
        if self.running.is_empty() && self.waiting.is_empty() {
            let Some(first) = self.coming.front() else { return false };
            // Idle: it starts when the first one comes, or goes on with its own clock.
            if first.ready > self.now() {
                self.clock = u128::from(first.ready) << FRACTION_BITS;
            }
        }
        let start = self.now();
        let idle = self.running.is_empty();
        let before = match (idle, self.config.lookahead) {
            (true, _) => start + 1,
            (false, true) => self.previous,
            (false, false) => start,
        };
        if idle || self.had_prompts || self.unseen >= self.config.receive_interval {
            while self.coming.front().is_some_and(|job| job.ready < before) {
                self.waiting.extend(self.coming.pop_front());
            }
            self.unseen = 0;
        }
        let work = self.schedule();
        self.had_prompts = self.running.iter().zip(&work).any(|(job, &tokens)| tokens > 0 && !job.decodes);
        self.unseen += 1;
        let units = self.iteration_units(&work) + self.stall(start);
        self.clock += u128::from(units);
        if self.now() >= horizon_ps {
            return false;
        }
        self.played.iterations += 1;
        self.previous = start;
        self.finish(&work);
        true
    }

    /// What kernels that were never run add to an iteration with prompts.
    fn stall(&mut self, start: u64) -> u64 {
        let stalls = &self.config.warm_up;
        if !self.had_prompts || self.stalls == stalls.len() {
            return 0;
        }
        let first = *self.first_prompts.get_or_insert(start);
        let next = stalls[self.stalls];
        if start < first + next.after.as_ps() {
            return 0;
        }
        self.stalls += 1;
        next.takes.as_ps() << FRACTION_BITS
    }

    /// Tokens of each running sequence in the next iteration, in their order.
    fn schedule(&mut self) -> Vec<u64> {
        if self.config.prefill == Prefill::Mixed {
            return self.schedule_of(true, true);
        }
        let prompts = self.schedule_of(false, true);
        if prompts.iter().any(|&tokens| tokens > 0) { prompts } else { self.schedule_of(true, false) }
    }

    /// The same of an iteration that has decodes, prompts, or both.
    fn schedule_of(&mut self, has_decodes: bool, has_prompts: bool) -> Vec<u64> {
        let mut work = vec![0; self.running.len()];
        let mut preempted = false;
        let peak = self.pool.peak;
        let mut at = 0;
        while has_decodes && at < self.running.len() {
            if self.running[at].decodes {
                preempted |= self.make_room(at, 1);
                if at < self.running.len() {
                    work[at] = 1;
                }
            }
            at += 1;
        }
        work.truncate(self.running.len());
        if has_decodes && self.config.groups.is_some() {
            self.pool.peak = peak;
            self.pool.note_peak();
        }
        let (replicas, decodes) = (u64::from(self.config.replicas), work.iter().sum::<u64>());
        let each = u64::from(self.config.token_budget) - decodes.div_ceil(replicas);
        let mut budget = each * replicas;
        if !has_prompts {
            return work;
        }
        // A prompt that is not whole is always the last one.
        if let Some(at) = self.running.iter().position(|job| !job.decodes) {
            let left = self.running[at].tokens() - self.running[at].computed;
            let tokens = left.min(each);
            preempted |= self.make_room(at, tokens);
            work.truncate(self.running.len());
            if let Some(work) = work.get_mut(at) {
                *work = tokens;
                budget = if tokens < left { 0 } else { budget - tokens };
            }
        }
        let lets_in = self.lets_in(decodes);
        if lets_in && (!preempted || self.running.is_empty()) {
            self.admit(&mut budget, each, &mut work);
        }
        work
    }

    /// Gives a sequence blocks for so many more tokens; the last ones make room for it, and at last itself. True if any
    /// did.
    fn make_room(&mut self, at: usize, tokens: u64) -> bool {
        self.slide(at);
        let missing = self.missing(&self.running[at], tokens);
        let before = self.running.len();
        while missing * self.groups() > self.pool.free.len() {
            self.preempt();
            if self.running.len() == at {
                return true;
            }
        }
        self.allocate(at, missing);
        self.name_blocks(at, tokens);
        self.running.len() < before
    }

    /// Groups of layers, each of which takes a block for the same tokens.
    fn groups(&self) -> usize {
        self.full_groups() + self.windowed_groups()
    }

    fn full_groups(&self) -> usize {
        self.config.groups.map_or(1, |groups| groups.full as usize)
    }

    fn windowed_groups(&self) -> usize {
        self.config.groups.map_or(0, |groups| groups.windowed as usize)
    }

    /// Blocks of a window, and how many leading blocks the token after `computed` others does not read.
    fn window(&self, computed: u64) -> (usize, usize) {
        let Some(groups) = self.config.groups else { return (0, 0) };
        let (window, size) = (u64::from(groups.window), u64::from(self.config.block_tokens));
        ((window - 1).div_ceil(size) as usize, ((computed + 1).saturating_sub(window) / size) as usize)
    }

    /// Gives back the blocks that the window has passed.
    fn slide(&mut self, at: usize) {
        let (_, behind) = self.window(self.running[at].computed);
        let job = &mut self.running[at];
        let kept = job.window.split_off(&behind);
        for block in std::mem::replace(&mut job.window, kept).into_values().flatten() {
            self.pool.give(block);
        }
        job.behind = behind;
    }

    /// Whether prompts may be admitted: with several replicas perhaps only when there is one for each, or after a time.
    fn lets_in(&mut self, decodes: u64) -> bool {
        let replicas = u64::from(self.config.replicas);
        if replicas == 1 || self.config.balance_iterations == 0 || self.config.prefill == Prefill::Alone {
            return true;
        }
        self.shut += 1;
        let opens =
            decodes < replicas || self.waiting.len() as u64 >= replicas || self.shut == self.config.balance_iterations;
        if opens {
            self.shut = 0;
        }
        opens
    }

    fn missing(&self, job: &Job, tokens: u64) -> usize {
        let needed = (job.computed + tokens).div_ceil(u64::from(self.config.block_tokens)) as usize;
        needed.saturating_sub(job.blocks.len())
    }

    fn allocate(&mut self, at: usize, blocks: usize) {
        let (full, windowed) = (self.full_groups(), self.windowed_groups());
        for _ in 0..blocks {
            let block = (0..full).map(|_| self.pool.take()).collect();
            self.running[at].blocks.push(block);
            let block = (0..windowed).map(|_| self.pool.take()).collect();
            let job = &mut self.running[at];
            job.window.insert(job.windowed, block);
            job.windowed += 1;
        }
    }

    /// Full blocks of the prompt have their names from when they are planned.
    fn name_blocks(&mut self, at: usize, tokens: u64) {
        let (job, size) = (&self.running[at], u64::from(self.config.block_tokens));
        if !self.config.prefix_caching {
            return;
        }
        for block in (job.computed / size) as usize..((job.computed + tokens) / size) as usize {
            if let Some(name) = job.asked.name(block, size) {
                // The first one's place in the queue is the first that is used again.
                let first = job.blocks[block][0];
                let old = self.pool.by_name.insert(name, first);
                assert_eq!(old, None, "two blocks of one name");
                self.pool.names[first] = Some(name);
                self.pool.named.insert(name, job.blocks[block].clone());
            }
        }
    }

    /// The leading blocks of a job that are in the cache.
    fn found(&self, job: &Job) -> Found {
        let size = u64::from(self.config.block_tokens);
        let there = |block: usize| match job.asked.name(block, size) {
            Some(name) if self.config.prefix_caching => {
                self.pool.by_name.contains_key(&name).then(|| self.pool.named[&name].clone())
            }
            _ => job.left.get(block).filter(|left| self.pool.is_there(left[0])).map(of),
        };
        // At least one token is computed again.
        let mut blocks: Vec<Vec<usize>> = (0..((job.tokens() - 1) / size) as usize).map_while(there).collect();
        if self.config.groups.is_none() {
            return Found { blocks, ..Found::default() };
        }
        let named = |block: &usize| self.config.prefix_caching && job.asked.name(*block, size).is_some();
        let shared = (0..blocks.len()).take_while(named).count();
        let (last, _) = self.window(0);
        // Its own need all of the last window, or all from the first one on.
        let there = job.left_window.iter().take_while(|(_, left)| self.pool.is_there(left[0])).count();
        let own = blocks.len().min(job.left_behind + there);
        let is_whole = job.left_behind == 0 || own >= job.left_behind + last;
        if own > 0 && own >= shared && is_whole {
            blocks.truncate(own);
            let from = own.saturating_sub(last);
            let window = job.left_window.range(from..own).map(|(block, left)| (*block, of(left))).collect();
            return Found { blocks, window, anew: 0 };
        }
        blocks.truncate(shared);
        Found { anew: shared.min(last), blocks, ..Found::default() }
    }

    fn preempt(&mut self) {
        let mut job = self.running.pop().expect("somebody runs");
        self.played.preemptions += 1;
        let whole = (job.computed / u64::from(self.config.block_tokens)) as usize;
        job.left.clear();
        job.left_window.clear();
        if self.config.prefix_caching {
            let left = |blocks: &Vec<usize>| blocks.iter().map(|&block| (block, self.pool.content[block])).collect();
            job.left = job.blocks[..whole].iter().map(left).collect();
            job.left_window = job.window.range(..whole).map(|(at, blocks)| (*at, left(blocks))).collect();
            job.left_behind = job.behind;
        }
        self.give_all(&mut job);
        job.computed = 0;
        job.decodes = false;
        self.waiting.push_front(job);
    }

    /// A job gives back its blocks: group by group, in each the last one first, since the end of a sequence is the least
    /// likely to be wanted again. Blocks with names lie together and come last.
    fn give_all(&mut self, job: &mut Job) {
        let size = u64::from(self.config.block_tokens);
        let named = (0..job.blocks.len()).take_while(|&block| job.asked.name(block, size).is_some()).count();
        let whole = (job.computed / size) as usize;
        let own = job.blocks.split_off(named.min(whole));
        for group in 0..self.windowed_groups() {
            job.window.values().rev().for_each(|blocks| self.pool.give(blocks[group]));
        }
        for group in 0..self.full_groups() {
            own.iter().rev().for_each(|blocks| self.pool.give(blocks[group]));
        }
        for block in std::mem::take(&mut job.blocks).into_iter().rev().flatten() {
            self.pool.give(block);
        }
        job.window.clear();
        (job.windowed, job.behind) = (0, 0);
    }

    fn admit(&mut self, budget: &mut u64, each: u64, work: &mut Vec<u64>) {
        while let Some(job) = self.waiting.front() {
            let most = self.config.max_sequences * self.config.replicas;
            if *budget == 0 || self.running.len() == most as usize {
                return;
            }
            let size = u64::from(self.config.block_tokens);
            let Found { blocks, window, anew } = self.found(job);
            let found = blocks.len();
            let there = || blocks.iter().chain(window.values()).flatten();
            let idle = there().filter(|&&block| self.pool.holders[block] == 0).count();
            let computed = found as u64 * size;
            let left = job.tokens() - computed;
            let tokens = left.min(*budget).min(each);
            let missing = (computed + tokens).div_ceil(size) as usize - found;
            let taken = missing * self.groups() + anew * self.windowed_groups();
            if taken + idle > self.pool.free.len() || (!self.config.chunked_prefill && computed + tokens < job.tokens())
            {
                return;
            }
            let mut job = self.waiting.pop_front().expect("looked at above");
            there().for_each(|&block| self.pool.hold(block));
            (job.blocks, job.window) = (blocks, window);
            (job.windowed, job.behind) = (found, found - job.window.len() - anew);
            for block in found - anew..found {
                let new = (0..self.windowed_groups()).map(|_| self.pool.take()).collect();
                job.window.insert(block, new);
            }
            job.left.clear();
            job.left_window.clear();
            job.left_behind = 0;
            job.computed = computed;
            job.started.get_or_insert((self.clock >> FRACTION_BITS) as u64);
            self.played.cached_tokens += computed;
            self.running.push(job);
            let at = self.running.len() - 1;
            self.allocate(at, missing);
            self.name_blocks(at, tokens);
            *budget = if tokens < left { 0 } else { *budget - tokens };
            work.push(tokens);
        }
    }

    fn iteration_units(&self, work: &[u64]) -> u64 {
        let running = || self.running.iter().zip(work).filter(|(_, tokens)| **tokens > 0);
        let decodes: Vec<u64> = running().filter(|(job, _)| job.decodes).map(|(job, _)| job.tokens()).collect();
        let chunk = |(job, &tokens): (&Job, &u64)| Chunk { past: job.computed, tokens };
        let chunks: Vec<Chunk> = running().filter(|(job, _)| !job.decodes).map(chunk).collect();
        self.law.iteration(&decodes, &chunks, u64::from(self.config.replicas))
    }

    /// The iteration has ended: tokens come out, and who has all leaves.
    fn finish(&mut self, work: &[u64]) {
        let now = self.now();
        let mut left = Vec::new();
        for (at, &tokens) in work.iter().enumerate() {
            let job = &mut self.running[at];
            let decoded = job.decodes;
            job.computed += tokens;
            if tokens == 0 || job.computed < job.tokens() {
                continue;
            }
            job.generated += 1;
            job.decodes = true;
            let units = self.clock - job.last_units;
            if decoded {
                self.played.gaps_us.push((units >> FRACTION_BITS) as u64 / 1_000_000);
                self.played.gap_units += units;
            } else if job.first_token.is_some() {
                self.played.gaps_us.push((now - job.last_token) / 1_000_000);
                self.played.gap_units += u128::from(now - job.last_token) << FRACTION_BITS;
            }
            job.first_token.get_or_insert(now);
            job.last_token = now;
            job.last_units = self.clock;
            if job.generated == job.output {
                left.push(at);
            }
        }
        // In the order of admission, though each that leaves moves those behind it.
        for (gone, &at) in left.iter().enumerate() {
            let mut job = self.running.remove(at - gone);
            let (Some(started), Some(first_token)) = (job.started, job.first_token) else { continue };
            self.played.served[job.id] = Some(Served { started, first_token, ended: now });
            self.played.order.push(job.id);
            self.give_all(&mut job);
        }
    }
}
