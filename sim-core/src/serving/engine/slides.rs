//! Blocks in layers that keep a window: a sequence gives them back as the window slides past them.
//!
//! Source: vLLM, `vllm/v1/core/single_type_kv_cache_manager.py` (`SlidingWindowManager`). Before a sequence takes blocks
//! for its next tokens, it gives back those that none of these tokens reads. In decode that is one block of each windowed
//! group every `size` iterations, once the sequence is a block longer than the window; for each phase, the blocks that
//! are given back then are counted, as in `blocks` those that are taken. A sequence that grows that long *crosses*, so
//! that a leap ends there.
//!
//! Two things are simpler than in vLLM. Blocks in windows are never shared: who finds a prompt's blocks by name takes
//! blocks of its own for the window. And such a find asks only for the blocks of layers that keep all tokens, while vLLM
//! asks for those of the last window, too. What a preempted sequence finds of its own blocks is as in vLLM: all of the
//! last window must be there.

use super::blocks::{Blocks, KeptWindow, Phases};
use super::groups::BlockGroups;
use super::named::Found;
use super::sequence::Sequence;
use crate::id::AttemptSlot;
use std::collections::VecDeque;

/// What an engine keeps of the blocks in windows.
#[derive(Debug)]
pub(super) struct Slides {
    window: u64,
    /// Windowed groups: how many blocks are given back at once.
    groups: u64,
    shift: u32,
    /// Blocks that the decodes give back in the iterations `k` with `k mod size` = the index.
    phases: Phases,
    /// Their sum: blocks that are given back in as many iterations as a block has tokens.
    cycle: u64,
    /// In order: the iterations in which a sequence gives back a block for the first time.
    crossings: VecDeque<u64>,
    /// Sequences in prefill, and those that have not decoded since: the blocks that they have given back.
    fresh: Vec<Fresh>,
}

#[derive(Clone, Copy, Debug)]
struct Fresh {
    attempt: AttemptSlot,
    behind: u64,
}

/// What a sequence finds in the cache.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hit {
    /// Leading blocks that any sequence may find.
    pub(super) shared: Found,
    /// Blocks of its own behind them.
    pub(super) kept: u64,
    /// Blocks of its own in each windowed group.
    pub(super) window: u64,
    /// Blocks that it takes anew in each windowed group, although their tokens are not computed again.
    pub(super) anew: u64,
}

impl Hit {
    /// Blocks whose tokens are not computed again.
    #[inline]
    pub(super) fn blocks(&self) -> u64 {
        self.shared.blocks + self.kept
    }

    /// Free blocks among those that are there.
    #[inline]
    pub(super) fn idle(&self, groups: Option<BlockGroups>) -> u64 {
        let idle = self.shared.idle + self.kept;
        groups.map_or(idle, |groups| idle * u64::from(groups.full) + self.window * u64::from(groups.windowed))
    }

    /// Blocks that it takes beside those for new tokens.
    #[inline]
    pub(super) fn anew(&self, groups: Option<BlockGroups>) -> u64 {
        groups.map_or(0, |groups| self.anew * u64::from(groups.windowed))
    }
}

impl Slides {
    /// `None` for an engine without windows.
    pub(super) fn of(groups: Option<BlockGroups>, block_tokens: u32) -> Option<Self> {
        let groups = groups?;
        Some(Slides {
            window: groups.window.into(),
            groups: groups.windowed.into(),
            shift: block_tokens.trailing_zeros(),
            phases: Phases::new(block_tokens),
            cycle: 0,
            crossings: VecDeque::new(),
            fresh: Vec::new(),
        })
    }

    /// Leading blocks that the last of `tokens` tokens does not read.
    fn behind(&self, tokens: u64) -> u64 {
        tokens.saturating_sub(self.window) >> self.shift
    }

    /// The context at which a sequence gives back a block for the first time in decode.
    fn crosses_at(&self) -> u64 {
        self.window + (1 << self.shift)
    }

    pub(super) fn next_crossing(&self) -> u64 {
        self.crossings.front().copied().unwrap_or(u64::MAX)
    }

    /// A sequence decodes in iteration `k` for the first time.
    pub(super) fn enter(&mut self, sequence: &Sequence, attempt: AttemptSlot, k: u64) {
        let context = sequence.context_in(k);
        let behind = self.behind(context - 1);
        self.fresh.retain(|fresh| fresh.attempt != attempt || fresh.behind != behind);
        if context >= self.crosses_at() {
            return self.add(self.phase(context, k));
        }
        let crossing = k + self.crosses_at() - context;
        if crossing <= sequence.end {
            let at = self.crossings.partition_point(|other| *other < crossing);
            self.crossings.insert(at, crossing);
        }
    }

    /// A sequence does not decode in iteration `k` any more.
    pub(super) fn leave(&mut self, sequence: &Sequence, k: u64) {
        let context = sequence.context_in(k);
        if context >= self.crosses_at() {
            *self.phases.get_mut(self.index(self.phase(context, k))) -= self.groups as u32;
            self.cycle -= self.groups;
            return;
        }
        let crossing = k + self.crosses_at() - context;
        if crossing <= sequence.end {
            let at = self.crossings.partition_point(|other| *other < crossing);
            debug_assert_eq!(self.crossings.get(at), Some(&crossing));
            self.crossings.remove(at);
        }
    }

    /// Counts a sequence that gives back blocks in iteration `phase`, and each `size` iterations later.
    fn add(&mut self, phase: u64) {
        *self.phases.get_mut(self.index(phase)) += self.groups as u32;
        self.cycle += self.groups;
    }

    /// An iteration in which a sequence gives back a block, if its context is `context` in iteration `k`.
    fn phase(&self, context: u64, k: u64) -> u64 {
        // It may wrap below zero, which does not matter modulo the size of a block.
        k.wrapping_add(self.window).wrapping_sub(context)
    }

    fn index(&self, k: u64) -> usize {
        k as usize & ((1 << self.shift) - 1)
    }

    /// Iterations have passed, up to iteration `k`.
    pub(super) fn pass(&mut self, k: u64) {
        while let Some(&crossing) = self.crossings.front()
            && crossing <= k
        {
            self.crossings.pop_front();
            self.add(crossing);
        }
    }

    /// Windowed groups.
    pub(super) fn groups(&self) -> u64 {
        self.groups
    }

    /// A sequence is admitted that has `behind` blocks less in each windowed group.
    pub(super) fn begin(&mut self, attempt: AttemptSlot, behind: u64) {
        self.fresh.push(Fresh { attempt, behind });
    }

    /// A sequence slides to where the last of `tokens` tokens reads; returns the blocks that it gives back.
    pub(super) fn slide(&mut self, attempt: AttemptSlot, tokens: u64) -> u64 {
        let before = self.forget(attempt, tokens - 1);
        let behind = self.behind(tokens);
        self.begin(attempt, behind);
        (behind - before) * self.groups
    }

    /// How many blocks a sequence with `computed` tokens in the cache has given back in each windowed group.
    pub(super) fn forget(&mut self, attempt: AttemptSlot, computed: u64) -> u64 {
        self.take_fresh(attempt).unwrap_or_else(|| self.behind(computed))
    }

    /// Whether sequences are in prefill, or have not decoded since.
    pub(super) fn is_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Blocks that sequences give back before their first decode, which is now; not the one in prefill.
    pub(super) fn first_gives(&mut self, partial: Option<AttemptSlot>, context: impl Fn(AttemptSlot) -> u64) -> u64 {
        let mut gives = 0;
        let (window, shift) = (self.window, self.shift);
        self.fresh.retain(|fresh| {
            let is_partial = Some(fresh.attempt) == partial;
            if !is_partial {
                gives += ((context(fresh.attempt) - 1).saturating_sub(window) >> shift) - fresh.behind;
            }
            is_partial
        });
        gives * self.groups
    }

    /// How many blocks a sequence has given back in each windowed group, if it is in prefill or has not decoded since;
    /// it is not counted among those any more.
    pub(super) fn take_fresh(&mut self, attempt: AttemptSlot) -> Option<u64> {
        let at = self.fresh.iter().position(|fresh| fresh.attempt == attempt)?;
        Some(self.fresh.swap_remove(at).behind)
    }

    /// The most iterations from `k` on, up to `n`, in each of which the free blocks suffice before any are given back.
    pub(super) fn lasting(&self, blocks: &Blocks, k: u64, n: u64, decodes: u64) -> u64 {
        let (size, net) = (1_u64 << self.shift, self.net(blocks, decodes));
        let (mut free, mut lasting) = (blocks.free() as i64, n);
        for i in 0..size.min(n) {
            let spare = free - blocks.needed_in(k + i) as i64;
            if spare < 0 {
                return i;
            }
            if net > 0 {
                lasting = lasting.min((spare / net + 1) as u64 * size + i);
            }
            free = spare + self.gives_in(k + i) as i64;
        }
        lasting
    }

    /// How many more blocks the decodes hold after as many iterations as a block has tokens.
    fn net(&self, blocks: &Blocks, decodes: u64) -> i64 {
        (decodes * blocks.groups()) as i64 - self.cycle as i64
    }

    /// Blocks that the decodes give back in iteration `k`, but for what they give back before their first one.
    fn gives_in(&self, k: u64) -> u64 {
        u64::from(self.phases.get(self.index(k)))
    }

    /// After how many iterations from `k` on, at most `n`, there may be room for a sequence for which there is none now:
    /// blocks may be given back some iterations before others are taken. After as many iterations as a block has tokens
    /// there is less room than before.
    pub(super) fn room_in(&self, blocks: &Blocks, k: u64, n: u64) -> u64 {
        let mut more = 0;
        for i in 1..n.min(1 << self.shift) {
            more += self.gives_in(k + i) as i64 - blocks.needed_in(k + i) as i64;
            if more > 0 {
                return i;
            }
        }
        n
    }

    /// Takes and gives what the decodes need and leave in the `n` iterations from `k` on.
    pub(super) fn turn_over(&self, blocks: &mut Blocks, k: u64, n: u64, decodes: u64) {
        let (size, net) = (1_u64 << self.shift, self.net(blocks, decodes));
        let (mut used, mut most, mut gives) = (blocks.used() as i64, 0, 0);
        for i in 0..size.min(n) {
            // Iterations of this phase but the first: with `net` above 0 the last of them holds most, else the first.
            let turns = (n - 1 - i) / size;
            used += blocks.needed_in(k + i) as i64 - self.gives_in(k + i) as i64;
            gives += self.gives_in(k + i) * (turns + 1);
            most = most.max(used + net.max(0) * turns as i64);
        }
        let takes = blocks.needed(k, n, decodes);
        blocks.turn_over(gives, takes, most as u64);
    }

    /// What of a find is of use, if a preempted sequence's own blocks are at `kept`.
    pub(super) fn narrow(&self, hit: Hit, kept: &KeptWindow, blocks: &Blocks) -> Hit {
        let (own, last) = (self.finds_own(kept, hit.blocks(), blocks), self.window_blocks());
        if own > 0 && own >= hit.shared.blocks {
            let window = own - kept.behind.max(own.saturating_sub(last));
            return Hit { kept: own - hit.shared.blocks, window, ..hit };
        }
        Hit { kept: 0, anew: hit.shared.blocks.min(last), ..hit }
    }

    /// What a preempted sequence finds of its own blocks, if `whole` leading blocks of the groups that keep all tokens
    /// are there; 0 if too few of the last window are.
    fn finds_own(&self, kept: &KeptWindow, whole: u64, blocks: &Blocks) -> u64 {
        let held = kept.end.saturating_sub(kept.behind);
        let there = held - blocks.reused(kept.place, held);
        let end = whole.min((kept.behind + there).min(kept.full_end));
        if kept.behind == 0 || end >= kept.behind + self.window_blocks() { end } else { 0 }
    }

    /// Blocks of a windowed group that the next token reads, if the tokens before it fill their blocks.
    fn window_blocks(&self) -> u64 {
        (self.window - 1 + (1 << self.shift) - 1) >> self.shift
    }
}
