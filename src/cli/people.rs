//! Answers from the terminal of this process, or from the run's inbox that `salvor answer` fills.
//!
//! Whichever comes first is the answer. Questions take turns at the terminal, so that nobody answers one
//! while another is shown.

use std::io::BufRead as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use salvor_contract::Answer;
use salvor_contract::Clock;
use salvor_contract::RunId;
use salvor_contract::StepName;
use tokio::sync::Mutex;
use tokio::sync::mpsc;

use crate::cli::screen::Screen;
use crate::digest::Digest;
use crate::execution::People;
use crate::execution::Question;
use crate::journal::Environment;

/// How often the inbox is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The same where each look is a request to a shared store.
const LOOK_EVERY_SHARED: Duration = Duration::from_secs(2);

/// The person at this terminal, and those who write into the run's inbox.
pub struct Operators {
    clock: Arc<dyn Clock>,
    state: Environment,
    run: RunId,
    by: String,
    keyboard: Option<Keyboard>,
}

/// Lines that a person types, and where the questions are shown.
struct Keyboard {
    lines: Mutex<mpsc::Receiver<String>>,
    screen: Arc<Screen>,
}

impl Operators {
    /// Listens to the inbox, and to the keyboard where there is a screen for its questions.
    pub fn new(
        clock: Arc<dyn Clock>,
        state: Environment,
        run: RunId,
        by: String,
        asks_on: Option<Arc<Screen>>,
    ) -> Self {
        let keyboard = asks_on.map(|screen| Keyboard {
            lines: Mutex::new(lines_of_stdin()),
            screen,
        });
        Self {
            clock,
            state,
            run,
            by,
            keyboard,
        }
    }

    async fn at_the_keyboard(&self, question: &Question) -> Answer {
        let Some(Keyboard { lines, screen }) = &self.keyboard else {
            return std::future::pending().await;
        };
        let mut lines = match lines.try_lock() {
            Ok(lines) => lines,
            Err(_) => {
                let lines = lines.lock().await;
                // It was asked before the answer to another one, which may have taken it off the screen.
                screen.line(&format!("  {}: {}", question.step, question.ask));
                lines
            }
        };
        let wants_file = matches!(question.evidence.as_deref(), Some("file" | "screenshot"));
        let what = if wants_file { ", a file" } else { "" };
        // The answer is recorded as one of this role: whoever types it is told so.
        let role = question.role.as_ref().map(|role| format!(" as {role}"));
        let role = role.unwrap_or_default();
        let asking = screen.ask(format!("  answer to {}{role}{what} > ", question.step));
        loop {
            let Some(line) = lines.recv().await else {
                // The terminal is gone; the inbox is left.
                return std::future::pending().await;
            };
            let line = line.trim();
            let file = match wants_file && !line.is_empty() {
                true => attached(Path::new(line)).map(Some),
                false => Ok(None),
            };
            match file {
                Err(error) => screen.line(&format!("{error:#}")),
                Ok(_) if line.is_empty() && question.evidence.is_some() => asking.repeat(),
                Ok(file) => {
                    return Answer {
                        text: line.to_owned(),
                        by: self.by.clone(),
                        role: question.role.clone(),
                        at: self.clock.now(),
                        file,
                    };
                }
            }
        }
    }

    async fn in_the_inbox(&self, question: &Question) -> Answer {
        let every = match self.state.is_shared() {
            true => LOOK_EVERY_SHARED,
            false => LOOK_EVERY,
        };
        loop {
            // An unreadable inbox is the same as an empty one: the question stays open and is shown.
            if let Ok(mut answers) = self.state.answers(&self.run).await
                && let Some(answer) = answers.remove(&question.step)
            {
                return answer;
            }
            self.clock.sleep(every).await;
        }
    }
}

#[async_trait]
impl People for Operators {
    async fn answer(&self, question: &Question) -> Answer {
        tokio::select! {
            biased;
            answer = self.in_the_inbox(question) => answer,
            answer = self.at_the_keyboard(question) => answer,
        }
    }

    async fn recorded(&self, step: &StepName) {
        // What stays in the inbox is only in the way of a second answer, which says so.
        let _ = self.state.remove_answer(&self.run, step).await;
    }
}

/// A file as an answer names it: what it is called, and the SHA-256 of its bytes.
pub fn attached(path: &Path) -> anyhow::Result<(String, String)> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok((name.into_owned(), Digest::of_bytes(&bytes).to_string()))
}

/// Lines from stdin by a thread of their own: a read of a terminal cannot be cancelled, a channel can.
fn lines_of_stdin() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
