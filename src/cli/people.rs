//! Answers from the terminal of this process, or from the run's inbox that `salvor answer` fills.
//!
//! Whichever comes first is the answer. Questions take turns at the terminal, so that nobody answers one
//! while another is shown.

use std::io::BufRead as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use salvor_contract::Answer;
use salvor_contract::Clock;
use salvor_contract::RunId;
use salvor_contract::StepName;
use tokio::sync::Mutex;
use tokio::sync::mpsc;

use crate::cli::output;
use crate::execution::People;
use crate::execution::Question;
use crate::journal::StateFolder;

/// How often the inbox is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The person at this terminal, and those who write into the run's inbox.
pub struct Operators {
    clock: Arc<dyn Clock>,
    state: StateFolder,
    run: RunId,
    by: String,
    keyboard: Option<Mutex<mpsc::Receiver<String>>>,
}

impl Operators {
    /// Listens to the inbox, and to the keyboard unless nothing may be asked.
    pub fn new(
        clock: Arc<dyn Clock>,
        state: StateFolder,
        run: RunId,
        by: String,
        asks_here: bool,
    ) -> Self {
        let keyboard = asks_here.then(|| Mutex::new(lines_of_stdin()));
        Self {
            clock,
            state,
            run,
            by,
            keyboard,
        }
    }

    async fn at_the_keyboard(&self, question: &Question) -> Answer {
        let Some(keyboard) = &self.keyboard else {
            return std::future::pending().await;
        };
        let mut keyboard = keyboard.lock().await;
        loop {
            let until = question.until.strftime("%Y-%m-%dT%H:%MZ");
            output::prompt(&format!(
                "{} (until {until}): {} > ",
                question.step, question.ask
            ));
            let Some(line) = keyboard.recv().await else {
                // The terminal is gone; the inbox is left.
                return std::future::pending().await;
            };
            let text = line.trim();
            if text.is_empty() && question.evidence.is_some() {
                continue;
            }
            return Answer {
                text: text.to_owned(),
                by: self.by.clone(),
                role: question.role.clone(),
                at: self.clock.now(),
                file: None,
            };
        }
    }

    async fn in_the_inbox(&self, question: &Question) -> Answer {
        loop {
            // An unreadable inbox is the same as an empty one: the question stays open and is shown.
            if let Ok(mut answers) = self.state.answers(&self.run).await
                && let Some(answer) = answers.remove(&question.step)
            {
                return answer;
            }
            self.clock.sleep(LOOK_EVERY).await;
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
