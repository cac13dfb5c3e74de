//! Turns a command into a child of the one thread that lives as long as this process.
//!
//! The kernel's signal at the death of a parent is bound to the thread that started the child, and tests run in
//! threads that end.

use std::process::Child;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::mpsc;

/// What the starting thread is asked for, and where it answers.
type Request = (Command, mpsc::Sender<std::io::Result<Child>>);

/// The way to the thread that starts all servers of this process. Global, as parent death is a matter of the
/// process and not of who asks.
static STARTER: OnceLock<mpsc::Sender<Request>> = OnceLock::new();

/// Starts a command from the thread that lives as long as this process.
pub(super) fn spawn(command: Command) -> std::io::Result<Child> {
    let starter = STARTER.get_or_init(|| {
        let (sender, requests) = mpsc::channel::<Request>();
        std::thread::spawn(move || {
            for (mut command, answer) in requests {
                // Whoever asked is waiting; if it is not, its child is ended with this process.
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (sender, answer) = mpsc::channel();
    let gone = || std::io::Error::other("the thread that starts servers is gone");
    starter.send((command, sender)).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}
