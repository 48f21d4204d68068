//! Blocks of the KV cache: how many are free, and when the sequences in decode need their next one.
//!
//! A sequence in decode needs a block every `size` iterations, of each group of layers. For each phase, the blocks that
//! are needed then are counted, so that a leap of any length takes them at once. Blocks of layers that keep a window are
//! taken here and given back in `slides`.

use super::groups::BlockGroups;
use std::collections::BTreeMap;

/// The block pool of one engine. In this order: what each leap touches stands first.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Blocks {
    phases: Phases,
    used: u64,
    total: u64,
    /// Freed blocks keep their contents until they are used again, the oldest first. A block's
    /// place is its position in the order of freeing, counted from the start; blocks that were free
    /// at the start have the first places.
    freed: u64,
    /// Blocks before this place are in use again.
    taken: u64,
    peak: u64,
    shift: u32,
    /// Groups of layers that each take a block for the same tokens, and those of them that keep all tokens.
    groups: u32,
    full_groups: u32,
    /// Places taken from the middle, because a sequence found its blocks still there.
    holes: BTreeMap<u64, u64>,
}

/// A number for the iterations `k` with `k mod size` = the index.
#[derive(Debug)]
pub(super) enum Phases {
    /// For blocks of up to 16 tokens, as vLLM has: stored inline.
    Few([u32; 16]),
    Many(Box<[u32]>),
}

impl Phases {
    pub(super) fn new(size: u32) -> Self {
        if size <= 16 { Phases::Few([0; 16]) } else { Phases::Many(vec![0; size as usize].into()) }
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> u32 {
        match self {
            Phases::Few(phases) => phases[index & 15],
            Phases::Many(phases) => phases[index],
        }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, index: usize) -> &mut u32 {
        match self {
            Phases::Few(phases) => &mut phases[index & 15],
            Phases::Many(phases) => &mut phases[index],
        }
    }
}

/// Blocks that a sequence gave back, and may find again if they have not been used since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Place of the first freed block, which is the last block of the sequence.
    place: u64,
    /// Number of blocks freed.
    held: u64,
    /// How many of them are full, and so can be found again.
    full: u64,
}

/// Blocks of a windowed group that a sequence gave back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct KeptWindow {
    /// Place of the first freed block, which is the last block of the sequence.
    pub(super) place: u64,
    /// Blocks of the sequence before the window, which it had given back earlier.
    pub(super) behind: u64,
    /// The end of its blocks, and of those of them that are full.
    pub(super) end: u64,
    pub(super) full_end: u64,
}

impl Blocks {
    pub(super) fn new(total: u64, size: u32, groups: Option<BlockGroups>) -> Self {
        Blocks {
            groups: groups.map_or(1, |groups| groups.full + groups.windowed),
            full_groups: groups.map_or(1, |groups| groups.full),
            shift: size.trailing_zeros(),
            total,
            used: 0,
            peak: 0,
            phases: Phases::new(size),
            freed: total,
            taken: 0,
            holes: BTreeMap::new(),
        }
    }

    /// Tokens of a block.
    #[inline]
    pub(super) fn size(&self) -> u32 {
        1 << self.shift
    }

    #[inline]
    pub(super) fn free(&self) -> u64 {
        self.total - self.used
    }

    #[inline]
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    pub(super) fn peak(&self) -> u64 {
        self.peak
    }

    /// Groups of layers: how many blocks the same tokens take.
    #[inline]
    pub(super) fn groups(&self) -> u64 {
        self.groups.into()
    }

    /// Those of them that keep all tokens.
    #[inline]
    fn full_groups(&self) -> u64 {
        self.full_groups.into()
    }

    /// Number of blocks of a group that hold `tokens` tokens.
    #[inline]
    pub(super) fn holding(&self, tokens: u64) -> u64 {
        (tokens + (1 << self.shift) - 1) >> self.shift
    }

    /// Whether the last of `tokens` tokens is the first of a block.
    pub(super) fn is_first(&self, tokens: u64) -> bool {
        self.index(tokens) == self.index(1)
    }

    /// Number of full blocks among them.
    #[inline]
    pub(super) fn full(&self, tokens: u64) -> u64 {
        tokens >> self.shift
    }

    /// Number of tokens in `blocks` blocks.
    #[inline]
    pub(super) fn tokens(&self, blocks: u64) -> u64 {
        blocks << self.shift
    }

    /// Takes free blocks; there must be enough.
    #[inline]
    pub(super) fn take(&mut self, blocks: u64) {
        self.used += blocks;
        self.peak = self.peak.max(self.used);
        debug_assert!(self.used <= self.total, "more blocks than there are");
        self.advance(blocks);
    }

    /// The next free blocks are in use again.
    #[inline]
    fn advance(&mut self, blocks: u64) {
        self.taken += blocks;
        if !self.holes.is_empty() {
            self.skip_holes(blocks);
        }
    }

    /// Moves `taken`, which has just advanced by `blocks`, past the holes that it met.
    #[cold]
    #[inline(never)]
    fn skip_holes(&mut self, blocks: u64) {
        let mut from = self.taken - blocks;
        while let Some(hole) = self.holes.first_entry() {
            if *hole.key() >= self.taken {
                break;
            }
            let (start, len) = hole.remove_entry();
            debug_assert!(start >= from);
            self.taken += len;
            from = start + len;
        }
    }

    /// Gives blocks back.
    #[inline]
    pub(super) fn give(&mut self, blocks: u64) {
        self.used -= blocks;
        self.freed += blocks;
    }

    /// Gives back the blocks of a sequence with `computed` tokens, except the first `named` ones;
    /// returns where they are.
    #[inline]
    pub(super) fn give_kept(&mut self, computed: u64, named: u64) -> Kept {
        let (held, full) = (self.holding(computed) - named, self.full(computed) - named);
        let kept = Kept { place: self.freed, held, full };
        self.give(kept.held * self.full_groups());
        kept
    }

    /// How many leading blocks of those given back are still there and full, at most `limit`.
    pub(super) fn found(&self, kept: &Kept, limit: u64) -> u64 {
        (kept.held - self.reused(kept.place, kept.held)).min(kept.full).min(limit)
    }

    /// Takes `blocks` that were found.
    #[cold]
    #[inline(never)]
    pub(super) fn take_found(&mut self, kept: &Kept, blocks: u64) {
        for group in 0..self.full_groups() {
            // The leading blocks of a sequence were freed last.
            self.take_places(kept.place + (group + 1) * kept.held - blocks, blocks);
        }
    }

    /// Gives back the blocks of a name, one of each full group; returns the first one's place.
    #[inline]
    pub(super) fn give_one(&mut self) -> u64 {
        self.give(self.full_groups());
        self.freed - self.full_groups()
    }

    /// The place of the block that is freed next.
    pub(super) fn next_place(&self) -> u64 {
        self.freed
    }

    /// How many freed blocks from a place on have been used again, at most `most`.
    pub(super) fn reused(&self, place: u64, most: u64) -> u64 {
        self.taken.saturating_sub(place).min(most)
    }

    /// Whether the block at a place has not been used again.
    #[inline]
    pub(super) fn is_there(&self, place: u64) -> bool {
        place >= self.taken
    }

    /// Takes the blocks of a name.
    #[inline]
    pub(super) fn take_place(&mut self, place: u64) {
        self.take_places(place, self.full_groups());
    }

    /// Takes freed blocks from a place on.
    pub(super) fn take_places(&mut self, place: u64, blocks: u64) {
        self.used += blocks;
        self.peak = self.peak.max(self.used);
        self.dig(place, blocks);
    }

    /// Gives and takes blocks in several iterations, at the end of one of which at most `most` are in use.
    pub(super) fn turn_over(&mut self, gives: u64, takes: u64, most: u64) {
        self.used = self.used + takes - gives;
        self.peak = self.peak.max(most);
        self.freed += gives;
        self.advance(takes);
    }

    /// Forgets that more blocks than that were in use for a while, but not what is in use now.
    pub(super) fn lower_peak(&mut self, peak: u64) {
        self.peak = peak.max(self.used);
    }

    /// Turns places from `start` on into a hole. Adjacent holes are merged, so that there are few.
    fn dig(&mut self, mut start: u64, mut len: u64) {
        if let Some(after) = self.holes.remove(&(start + len)) {
            len += after;
        }
        if let Some((&before, &held)) = self.holes.range(..start).next_back()
            && before + held == start
        {
            (start, len) = (before, held + len);
        }
        self.holes.insert(start, len);
    }

    /// Counts a sequence that enters decode; `phase` is an iteration in which it needs a block.
    #[inline]
    pub(super) fn enter(&mut self, phase: u64) {
        *self.phases.get_mut(self.index(phase)) += self.groups;
    }

    /// Counts a sequence that leaves decode.
    #[inline]
    pub(super) fn leave(&mut self, phase: u64) {
        *self.phases.get_mut(self.index(phase)) -= self.groups;
    }

    #[inline]
    pub(super) fn index(&self, k: u64) -> usize {
        k as usize & ((1 << self.shift) - 1)
    }

    /// Blocks that the decodes need in iteration `k`.
    #[inline]
    pub(super) fn needed_in(&self, k: u64) -> u64 {
        u64::from(self.phases.get(self.index(k)))
    }

    /// Blocks that `decodes` sequences need in the `n` iterations from `k` on.
    #[inline]
    pub(super) fn needed(&self, k: u64, n: u64, decodes: u64) -> u64 {
        let part = n & ((1 << self.shift) - 1);
        let whole = (n >> self.shift) * decodes * self.groups();
        whole + (k..k + part).map(|k| self.needed_in(k)).sum::<u64>()
    }

    /// The most iterations from `k` on, up to `n`, for which the free blocks suffice.
    #[inline]
    pub(super) fn lasting(&self, k: u64, n: u64, decodes: u64) -> u64 {
        let (free, each) = (self.free(), decodes * self.groups());
        if ((n >> self.shift) + 1) * each <= free || decodes == 0 {
            return n;
        }
        self.lasting_of(k, n, free, each)
    }

    /// The same if `free` blocks may not suffice, of which so many are taken `each` turn of a block.
    #[inline(never)]
    fn lasting_of(&self, k: u64, n: u64, free: u64, each: u64) -> u64 {
        let turns = (free / each).min(n >> self.shift);
        let mut lasting = turns << self.shift;
        let mut left = free - turns * each;
        while lasting < n {
            let needed = self.needed_in(k + lasting);
            if needed > left {
                break;
            }
            left -= needed;
            lasting += 1;
        }
        lasting
    }
}
