//! What is shown of a run while it goes on: bars, lines above them, and the question that waits for the keyboard. All
//! of it on stderr.

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use indicatif::MultiProgress;
use indicatif::ProgressDrawTarget;

use crate::cli::output;

/// The terminal on stderr, or what stands in its place.
pub struct Screen {
    bars: Option<MultiProgress>,
    /// The question that somebody is about to answer.
    prompt: Mutex<Option<String>>,
}

impl Default for Screen {
    fn default() -> Self {
        // Hidden where there is no terminal, or one that cannot go back in a line: all that is shown there are lines.
        let bars = MultiProgress::with_draw_target(target());
        Self {
            bars: (!bars.is_hidden()).then_some(bars),
            prompt: Mutex::default(),
        }
    }
}

impl Screen {
    /// Where bars are drawn; none without a terminal.
    pub fn bars(&self) -> Option<&MultiProgress> {
        self.bars.as_ref()
    }

    /// Prints a line above the bars or the question, or plainly.
    pub fn line(&self, text: &str) {
        let prompt = self.prompt();
        match (&self.bars, prompt.as_deref()) {
            (Some(_), Some(prompt)) => output::above(text, prompt),
            (Some(bars), None) => {
                // A terminal that went away must not end a recovery.
                let _ = bars.println(output::tame(text));
            }
            (None, Some(prompt)) => {
                output::progress(&format!("\n{text}"));
                output::prompt(prompt);
            }
            (None, None) => output::progress(text),
        }
    }

    /// Asks for a line from the keyboard. Bars are drawn anew every second, which would wipe out the question and what
    /// is typed: there are none until the result is dropped.
    pub fn ask(&self, prompt: String) -> Asking<'_> {
        let mut open = self.prompt();
        if let Some(bars) = &self.bars {
            let _ = bars.clear();
            bars.set_draw_target(ProgressDrawTarget::hidden());
            // One may have been drawn between these two.
            output::erase();
        }
        output::prompt(&prompt);
        *open = Some(prompt);
        drop(open);
        Asking(self)
    }

    /// Removes the bars.
    pub fn close(&self) {
        if let Some(bars) = &self.bars {
            let _ = bars.clear();
        }
    }

    fn prompt(&self) -> MutexGuard<'_, Option<String>> {
        self.prompt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that waits for the keyboard.
pub struct Asking<'a>(&'a Screen);

impl Asking<'_> {
    /// Shows the question once more: what was typed does not answer it.
    pub fn repeat(&self) {
        if let Some(prompt) = self.0.prompt().as_deref() {
            output::prompt(prompt);
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut open = self.0.prompt();
        *open = None;
        if let Some(bars) = &self.0.bars {
            // It was answered elsewhere, or the cursor stands below it already.
            output::erase();
            bars.set_draw_target(target());
        }
    }
}

fn target() -> ProgressDrawTarget {
    ProgressDrawTarget::stderr_with_hz(8)
}
