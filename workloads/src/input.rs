//! Files that are read: what can be waited for for ever, or never ends, is refused with words.
//!
//! A pipe (`<(generator)`, `/dev/stdin`, a named one) can be read once, to its end: that is enough
//! for what is read whole. What is read several times, as a trace is, must be a file.

use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::path::Path;

/// Opens what is read once, from its start to its end: a file or a pipe.
///
/// # Errors
/// What the system says, and in words what is a directory or a device.
pub fn open_once(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let kind = fs::metadata(path)?.file_type();
    if is_pipe(kind) {
        return pipe(path);
    }
    refuse(kind)?;
    Ok(Box::new(File::open(path)?))
}

/// Opens what is read more than once: a file.
///
/// # Errors
/// What the system says, and in words what is a pipe, a directory or a device.
pub fn open_again(path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?.file_type();
    if is_pipe(kind) {
        return Err(io::Error::other("it is a pipe, and it is read more than once: save its content as a file"));
    }
    refuse(kind)?;
    File::open(path)
}

/// Whether it can be read but once.
pub fn is_read_once(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| is_pipe(found.file_type()))
}

fn refuse(kind: FileType) -> io::Result<()> {
    if kind.is_dir() {
        return Err(io::Error::other("it is a directory; expected a file"));
    }
    if !kind.is_file() {
        return Err(io::Error::other("it is a device or a terminal; expected a file"));
    }
    Ok(())
}

#[cfg(unix)]
fn is_pipe(kind: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

#[cfg(not(unix))]
fn is_pipe(_kind: FileType) -> bool {
    false
}

#[cfg(unix)]
fn pipe(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    use std::os::unix::fs::OpenOptionsExt;
    // Without this flag, opening a pipe that nobody writes to waits for a writer.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    Ok(Box::new(Pipe { file, begun: false }))
}

#[cfg(not(unix))]
fn pipe(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(File::open(path)?))
}

/// A pipe that is waited for, within limits.
#[cfg(unix)]
struct Pipe {
    file: File,
    /// Whether anything came.
    begun: bool,
}

/// How often a silent pipe is looked at.
#[cfg(unix)]
const LOOK: std::time::Duration = std::time::Duration::from_millis(10);
/// Looks before a pipe that has no writer is given up: one may be about to open it.
#[cfg(unix)]
const WITHOUT_WRITER: u32 = 100;
/// How often to look before giving up a writer that writes nothing.
#[cfg(unix)]
const SILENT: u32 = 1_000;

#[cfg(unix)]
impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (mut absent, mut silent) = (0, 0);
        loop {
            match self.file.read(buffer) {
                // The end of a pipe before its first byte means that no writer has opened it yet.
                Ok(0) if !self.begun && !buffer.is_empty() => absent += 1,
                Ok(read) => {
                    self.begun = true;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (absent, silent) = (0, silent + 1),
                Err(error) => return Err(error),
            }
            if absent >= WITHOUT_WRITER {
                return Err(io::Error::other("it is a pipe, and nobody has written to it; expected a file"));
            }
            if silent >= SILENT {
                let spent = (LOOK * SILENT).as_secs();
                return Err(io::Error::other(format!("it is a pipe, and for {spent} s nothing came from it")));
            }
            std::thread::sleep(LOOK);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn pipe_in(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    #[test]
    fn a_pipe_is_read_once_and_never_waited_for_without_a_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = pipe_in(folder.path());
        let mut text = String::new();
        let error = open_once(&path).unwrap().read_to_string(&mut text).unwrap_err();
        assert!(error.to_string().contains("nobody has written to it"), "{error}");
        let mut writer = std::process::Command::new("sh");
        let mut writer = writer.arg("-c").arg("printf one > pipe").current_dir(folder.path()).spawn().unwrap();
        open_once(&path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "one");
        assert!(writer.wait().unwrap().success());
        assert!(is_read_once(&path));
        assert!(open_again(&path).unwrap_err().to_string().contains("save its content as a file"));
    }

    #[test]
    fn what_is_no_file_is_named() {
        for (path, words) in [("/", "a directory"), ("/dev/zero", "a device")] {
            let path = Path::new(path);
            let Err(error) = open_once(path) else { panic!("{} was opened", path.display()) };
            assert!(error.to_string().contains(words), "{error}");
            assert!(open_again(path).unwrap_err().to_string().contains(words));
        }
    }
}
