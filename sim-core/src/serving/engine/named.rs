//! Blocks with names, which other sequences with the same prompt up to there can find.
//!
//! Source: vLLM, `vllm/v1/core/block_pool.py` and `kv_cache_manager.py`. A block gets its name when
//! its tokens are planned. Its holders are counted; given back, it stays until its place in the
//! free queue is used. Two rules differ: the block with the last token of a prompt has no name (in
//! vLLM it has one if the prompt ends with it, though its owner computes it again), and generated
//! tokens have no names, since traces do not name them.

use super::blocks::Blocks;
use crate::ports::Prefix;
use std::collections::BTreeMap;

/// A block's name: the name of the trace's block that holds its last token, and its own number.
type Name = (u64, u64);

/// The named blocks of one engine.
#[derive(Debug, Default)]
pub(super) struct Named {
    blocks: BTreeMap<Name, Block>,
    /// Blocks without holders, by place, to forget them when they are used again.
    idle: BTreeMap<u64, Name>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    holders: u32,
    /// Its place in the free queue, if it has no holders.
    place: u64,
}

/// What a sequence finds in the cache.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// Leading blocks that are there.
    pub(super) blocks: u64,
    /// Those of them without holders.
    pub(super) idle: u64,
}

/// How many leading blocks of a prompt have names.
#[inline]
pub(super) fn named(prefix: Prefix<'_>, prompt: u32, block_tokens: u32) -> u64 {
    if prefix.hashes.is_empty() {
        return 0;
    }
    let said = (prefix.hashes.len() as u64 * u64::from(prefix.block_tokens)).min(u64::from(prompt) - 1);
    said / u64::from(block_tokens)
}

fn name(prefix: Prefix<'_>, block: u64, block_tokens: u32) -> Name {
    let last = (block + 1) * u64::from(block_tokens) - 1;
    (prefix.hashes[(last / u64::from(prefix.block_tokens)) as usize], block)
}

impl Named {
    /// Looks for the first `limit` blocks of a prompt.
    pub(super) fn find(&mut self, blocks: &Blocks, prefix: Prefix<'_>, limit: u64) -> Found {
        self.forget(blocks);
        let mut found = Found::default();
        for block in 0..limit {
            let Some(there) = self.blocks.get(&name(prefix, block, blocks.size())) else { break };
            found.blocks += 1;
            found.idle += u64::from(there.holders == 0);
        }
        found
    }

    /// Holds the first `count` blocks of a prompt, which [`Named::find`] has found.
    pub(super) fn hold(&mut self, blocks: &mut Blocks, prefix: Prefix<'_>, count: u64) {
        for block in 0..count {
            if let Some(there) = self.blocks.get_mut(&name(prefix, block, blocks.size())) {
                if there.holders == 0 {
                    self.idle.remove(&there.place);
                    blocks.take_place(there.place);
                }
                there.holders += 1;
            }
        }
    }

    /// Names the blocks `from..to` of a prompt, which have just been taken.
    pub(super) fn add(&mut self, blocks: &Blocks, prefix: Prefix<'_>, from: u64, to: u64) {
        for block in from..to {
            let new = Block { holders: 1, place: u64::MAX };
            if let Some(old) = self.blocks.insert(name(prefix, block, blocks.size()), new) {
                // An old block of that name lay behind a gap, where it could not be found.
                debug_assert_eq!(old.holders, 0);
                self.idle.remove(&old.place);
            }
        }
    }

    /// Gives back the first `count` blocks of a prompt, the last one first.
    pub(super) fn give(&mut self, blocks: &mut Blocks, prefix: Prefix<'_>, count: u64) {
        for block in (0..count).rev() {
            let name = name(prefix, block, blocks.size());
            if let Some(there) = self.blocks.get_mut(&name) {
                there.holders -= 1;
                if there.holders == 0 {
                    there.place = blocks.give_one();
                    self.idle.insert(there.place, name);
                }
            }
        }
        self.forget(blocks);
    }

    /// Forgets blocks that have been used again.
    fn forget(&mut self, blocks: &Blocks) {
        while let Some(first) = self.idle.first_entry() {
            if blocks.is_there(*first.key()) {
                break;
            }
            self.blocks.remove(&first.remove());
        }
    }

    pub(super) fn clear(&mut self) {
        self.blocks.clear();
        self.idle.clear();
    }
}
