//! The servers in rotation: those that take attempts now, and how many each has.

use crate::id::ServerId;

/// The servers of a service's ready pods, in the order in which they became ready. Each server
/// knows its position, so no search is needed.
#[derive(Debug, Default)]
pub(crate) struct Rotation {
    servers: Vec<ServerId>,
    /// Attempts sent to each server and not yet ended there; routers see only this.
    outstanding: Vec<u32>,
}

impl Rotation {
    /// How many servers are in rotation.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.servers.len() as u32
    }

    /// Whether no server is in rotation.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// How many attempts each server has.
    #[inline]
    pub(crate) fn outstanding(&self) -> &[u32] {
        &self.outstanding
    }

    /// Adds a server, and returns its position.
    pub(crate) fn enter(&mut self, server: ServerId) -> u32 {
        self.servers.push(server);
        self.outstanding.push(0);
        self.len() - 1
    }

    /// Removes the server at a position. Returns how many attempts it still has, and the servers
    /// behind it, which have moved up by one.
    pub(crate) fn leave(&mut self, position: u32) -> (u32, &[ServerId]) {
        let position = position as usize;
        self.servers.remove(position);
        let outstanding = self.outstanding.remove(position);
        (outstanding, &self.servers[position..])
    }

    /// Counts one more attempt at a position, and returns the server there.
    #[inline]
    pub(crate) fn send(&mut self, position: u32) -> ServerId {
        self.outstanding[position as usize] += 1;
        self.servers[position as usize]
    }

    /// Counts one attempt less at a position.
    #[inline]
    pub(crate) fn end(&mut self, position: u32) {
        self.outstanding[position as usize] -= 1;
    }

    /// The server with the fewest attempts, the first of equals, if it has fewer than `room`.
    #[inline]
    pub(crate) fn with_room(&self, room: u32) -> Option<u32> {
        let (position, &held) = self.outstanding.iter().enumerate().min_by_key(|&(_, &held)| held)?;
        (held < room).then_some(position as u32)
    }
}
