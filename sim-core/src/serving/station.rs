//! The part of a server that all disciplines work on: its ids, what waits and runs there, and what
//! is measured.

use crate::clock::{SimDuration, SimTime};
use crate::id::{ClockSlot, PodId, ServerId, ServiceId};
use crate::traffic::Fifo;

/// The part of a server that is the same under every discipline. Its first cache line holds what
/// each arriving or leaving attempt needs, the second what is measured then.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Station {
    pub(crate) id: ServerId,
    /// The pod that the server runs in.
    pub(crate) pod: PodId,
    /// The service whose attempts it serves.
    pub(crate) service: ServiceId,
    /// The clock of its GPUs, if it shares them with other servers.
    pub(crate) clock: ClockSlot,
    /// Position in its service's rotation, or [`NONE`](crate::traffic::NONE).
    pub(crate) position: u32,
    /// Attempts sent here and not yet ended, including those on their way. It counts only once the
    /// server is out of rotation; until then the rotation counts them.
    pub(crate) outstanding: u32,
    /// Attempts in service.
    pub(crate) running: u32,
    /// The region of its node.
    pub(crate) region: u16,
    /// Whether its process was killed: attempts that arrive are lost.
    pub(crate) dead: bool,
    /// Attempts that wait here.
    pub(crate) waiting: Fifo,
    /// Attempts in its slots, under `Slots`.
    pub(crate) in_slots: Fifo,
    pub(crate) meter: Meter,
}

/// Integrals over time of what a server does, from which signals and the bill are made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meter {
    touched: SimTime,
    /// Time with work in service.
    pub(crate) busy: SimDuration,
    /// Attempts in service, times picoseconds.
    pub(crate) running_ps: u128,
    /// Time in which any kernel ran, if kernels run for only a part of the service time.
    kernel_ps: f64,
    /// One minus that part; 0 when kernels run all the time.
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
            // With k independent attempts, some kernel runs unless all k are in a gap.
            self.kernel_ps += span.as_ps() as f64 * (1.0 - self.kernel_gap.powi(running.min(1 << 20) as i32));
        }
    }

    /// Whether all its integrals are integers: then it does not matter how time is cut into parts.
    #[inline]
    pub(super) fn is_exact(&self) -> bool {
        self.kernel_gap == 0.0
    }

    /// Seconds in which any kernel ran, up to the last advance.
    pub(crate) fn kernel_s(&self) -> f64 {
        if self.kernel_gap > 0.0 { self.kernel_ps / 1e12 } else { self.busy.as_s_f64() }
    }
}
