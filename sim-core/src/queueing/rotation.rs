//! Servers in rotation: those that take attempts now, and how many each has.

use crate::id::ServerId;

/// Servers of the ready pods of a service, in order of becoming ready. Who is where is told to each, so
/// nobody is ever looked for.
#[derive(Debug, Default)]
pub(crate) struct Rotation {
    servers: Vec<ServerId>,
    /// Attempts sent to each and not yet ended there: all that a router looks at.
    outstanding: Vec<u32>,
}

impl Rotation {
    /// How many there are.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.servers.len() as u32
    }

    /// Whether there is none.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// Attempts that each has.
    #[inline]
    pub(crate) fn outstanding(&self) -> &[u32] {
        &self.outstanding
    }

    /// A server comes in; its position.
    pub(crate) fn enter(&mut self, server: ServerId) -> u32 {
        self.servers.push(server);
        self.outstanding.push(0);
        self.len() - 1
    }

    /// The server at a position goes: what it still has, and those behind it, each of which has moved up
    /// by one.
    pub(crate) fn leave(&mut self, position: u32) -> (u32, &[ServerId]) {
        let position = position as usize;
        self.servers.remove(position);
        let outstanding = self.outstanding.remove(position);
        (outstanding, &self.servers[position..])
    }

    /// Sends one more attempt to the server at a position.
    #[inline]
    pub(crate) fn send(&mut self, position: u32) -> ServerId {
        self.outstanding[position as usize] += 1;
        self.servers[position as usize]
    }

    /// An attempt of the server at a position has ended.
    #[inline]
    pub(crate) fn end(&mut self, position: u32) {
        self.outstanding[position as usize] -= 1;
    }

    /// The one that has the least and fewer than `room`, the first of equals.
    #[inline]
    pub(crate) fn with_room(&self, room: u32) -> Option<u32> {
        let (position, &held) = self.outstanding.iter().enumerate().min_by_key(|&(_, &held)| held)?;
        (held < room).then_some(position as u32)
    }
}
