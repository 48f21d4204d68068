//! A process with all that it starts: ended together, and never outliving us.
//!
//! On Unix the process leads a group of its own. A guard, a shell that waits for the end of a pipe
//! that only we hold, kills the group when we are gone, whatever ended us. (A death signal cannot
//! be asked for from outside the child without unsafe code, and does not reach grandchildren.)
//! Elsewhere the process alone is killed; it sees the end of its input when we are gone.

use std::io;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus};

/// A process and those that it starts.
#[derive(Debug)]
pub(super) struct Group {
    leader: Child,
    guard: Option<Child>,
}

impl Group {
    /// Starts a command as the leader of a group.
    pub(super) fn start(mut command: Command) -> io::Result<Group> {
        apart(&mut command);
        let leader = command.spawn()?;
        let guard = guard(&leader);
        Ok(Group { leader, guard })
    }

    /// The leader's input and output, once.
    pub(super) fn pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>) {
        (self.leader.stdin.take(), self.leader.stdout.take())
    }

    /// How the leader ended, if it has.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.leader.try_wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // An error means that the group is gone already. The guard is killed before the leader is
        // reaped: until then the group's number cannot be reused.
        kill_all(&mut self.leader);
        if let Some(guard) = &mut self.guard {
            let _ = guard.kill();
            let _ = guard.wait();
        }
        let _ = self.leader.wait();
    }
}

#[cfg(unix)]
fn apart(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn apart(_command: &mut Command) {}

/// A shell that kills the group when the pipe to it closes; none where there is no shell.
#[cfg(unix)]
fn guard(leader: &Child) -> Option<Child> {
    use std::process::Stdio;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "read -r _; kill -s KILL -- \"-$1\"", "flashcrowd-guard"]).arg(leader.id().to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // A signal from our terminal must not end the guard before it has done its work.
    apart(&mut command);
    command.spawn().ok()
}

#[cfg(not(unix))]
fn guard(_leader: &Child) -> Option<Child> {
    None
}

#[cfg(unix)]
fn kill_all(leader: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let _ = kill_process_group(Pid::from_child(leader), Signal::KILL);
}

#[cfg(not(unix))]
fn kill_all(leader: &mut Child) {
    let _ = leader.kill();
}
