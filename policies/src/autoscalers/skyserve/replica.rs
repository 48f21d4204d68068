//! A replica as `SkyServe`'s controller knows it, and the order in which replicas are given up.

/// Where a replica is in its life (`ReplicaStatus` of `sky/serve/serve_state.py`, as far as the
/// autoscalers tell the states apart).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Asked for.
    Pending,
    /// Its machine is being made.
    Provisioning,
    /// Its machine runs, its probe has not succeeded yet.
    Starting,
    /// Its probe failed after it had succeeded.
    NotReady,
    /// It serves.
    Ready,
    /// Given up or lost; the record stays a while.
    ShuttingDown,
}

impl Status {
    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Status> {
        Some(match name {
            "PENDING" => Status::Pending,
            "PROVISIONING" => Status::Provisioning,
            "STARTING" => Status::Starting,
            "NOT_READY" => Status::NotReady,
            "READY" => Status::Ready,
            "SHUTTING_DOWN" => Status::ShuttingDown,
            _ => return None,
        })
    }

    /// Whether the replica will never serve again.
    pub fn is_terminal(self) -> bool {
        self == Status::ShuttingDown
    }
}

/// One replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Its number, in order of launch.
    pub id: u32,
    /// Its status.
    pub status: Status,
    /// Whether it is a spot instance.
    pub is_spot: bool,
    /// Its GPU type.
    pub gpu: String,
    /// Version of the service that it was launched for.
    pub version: u32,
    /// Jobs that it runs; only pools have them.
    pub jobs: u32,
}

/// The live replicas, in the order in which `replicas` has them.
pub(super) fn live(replicas: &[Replica]) -> Vec<&Replica> {
    replicas.iter().filter(|replica| !replica.status.is_terminal()).collect()
}

/// The `count` replicas that go first: those that are least far, then of the oldest version, then
/// with the fewest jobs, then launched last.
pub(super) fn victims(mut replicas: Vec<&Replica>, count: usize) -> Vec<u32> {
    replicas.sort_by_key(|replica| (replica.status, replica.version, replica.jobs, std::cmp::Reverse(replica.id)));
    replicas.iter().take(count).map(|replica| replica.id).collect()
}
