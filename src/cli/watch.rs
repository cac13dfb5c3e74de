//! Shows a run while it goes on: bars on a terminal, plain lines elsewhere. All of it on stderr.
//!
//! It draws what it is told and remembers only what it needs to draw; the journal has the truth.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use indicatif::MultiProgress;
use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;
use salvor_contract::Clock;
use salvor_contract::Size;
use salvor_contract::StepName;
use salvor_contract::Unit;
use salvor_contract::Update;

use crate::execution::End;
use crate::execution::Event;
use crate::execution::Watcher;

/// How often a plain line tells of the same step's progress at most.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Shows a run on stderr.
pub struct Terminal {
    clock: Arc<dyn Clock>,
    began: Duration,
    width: usize,
    bars: Option<MultiProgress>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: BTreeMap<StepName, Running>,
    left: Option<ProgressBar>,
}

struct Running {
    since: Duration,
    told: Duration,
    bar: Option<ProgressBar>,
    first_done: Option<(u64, Duration)>,
}

impl Terminal {
    /// A view of a run whose longest step name has `width` characters.
    pub fn new(clock: Arc<dyn Clock>, width: usize) -> Self {
        let is_live = std::io::stderr().is_terminal();
        let bars =
            is_live.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8)));
        let began = clock.elapsed();
        Self {
            clock,
            began,
            width,
            bars,
            state: Mutex::default(),
        }
    }

    /// Prints a line above the bars, or plainly.
    pub fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => {
                // A terminal that went away must not end a recovery.
                let _ = bars.println(crate::cli::output::tame(text));
            }
            None => crate::cli::output::progress(text),
        }
    }

    /// Removes the bars.
    pub fn close(&self) {
        if let Some(bars) = &self.bars {
            let _ = bars.clear();
        }
    }

    fn row(&self, word: &str, step: &StepName, time: Option<Duration>, rest: &str) {
        let time = time.map(clock_time).unwrap_or_default();
        let line = format!(
            "  {word:<8} {step:<width$} {time:>7}   {rest}",
            width = self.width
        );
        self.line(line.trim_end());
    }

    fn started(&self, step: &StepName, says: &str) {
        let now = self.clock.elapsed();
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::no_length());
            let style = format!(
                "  running  {{prefix:<{}}} {{elapsed:>7}}   {{msg}}",
                self.width
            );
            if let Ok(style) = ProgressStyle::with_template(&style) {
                bar.set_style(style);
            }
            bar.set_prefix(step.to_string());
            bar.set_message(says.to_owned());
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        if bar.is_none() {
            self.row("running", step, None, says);
        }
        let running = Running {
            since: now,
            told: now,
            bar,
            first_done: None,
        };
        self.lock().running.insert(step.clone(), running);
    }

    fn progress(&self, step: &StepName, update: &Update) {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        let Some(running) = state.running.get_mut(step) else {
            return;
        };
        let (first, since) = *running.first_done.get_or_insert((update.done, now));
        let text = progress_text(
            update,
            update.done.saturating_sub(first),
            now.saturating_sub(since),
        );
        if let Some(bar) = &running.bar {
            bar.set_message(crate::cli::output::tame(&text).into_owned());
        } else if now.saturating_sub(running.told) >= PLAIN_EVERY {
            running.told = now;
            let length = now.saturating_sub(running.since);
            drop(state);
            self.row("running", step, Some(length), &text);
        }
    }

    fn ended(&self, step: &StepName, end: End, why: &str) {
        let running = self.lock().running.remove(step);
        let length = running
            .as_ref()
            .map(|r| self.clock.elapsed().saturating_sub(r.since));
        if let Some(bar) = running.and_then(|running| running.bar) {
            bar.finish_and_clear();
        }
        let (word, rest) = match end {
            End::Succeeded => ("done", why),
            End::Adopted => ("done", "found done"),
            End::Failed => ("failed", why),
            End::Unknown => ("unknown", why),
            End::LeftRunning => ("left", "it goes on and will be found again"),
        };
        self.row(word, step, length, rest);
    }

    fn left(&self, milliseconds: u128) {
        let Some(bars) = &self.bars else { return };
        let mut state = self.lock();
        let bar = state.left.get_or_insert_with(|| {
            let bar = bars.add(ProgressBar::no_length());
            if let Ok(style) = ProgressStyle::with_template("  {msg}") {
                bar.set_style(style);
            }
            bar
        });
        let left = Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX));
        let elapsed = clock_time(self.clock.elapsed().saturating_sub(self.began));
        bar.set_message(format!(
            "elapsed {elapsed} · critical path left about {}",
            clock_time(left)
        ));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Terminal {
    fn saw(&self, event: Event<'_>) {
        match event {
            Event::Started { step, attempt: 1 } => self.started(step, ""),
            Event::Started { step, attempt } => self.started(step, &format!("try {attempt}")),
            Event::Looking { step } => self.started(step, "looking for what became of it"),
            Event::Found { step, what } => self.row("found", step, None, what),
            Event::Progress { step, update } => self.progress(step, update),
            Event::Retrying { step, error, after } => {
                self.row(
                    "again",
                    step,
                    None,
                    &format!("in {}: {error}", clock_time(after)),
                );
            }
            Event::Asked { question } => {
                let who = question
                    .role
                    .as_ref()
                    .map(|role| format!("for {role}: "))
                    .unwrap_or_default();
                self.row(
                    "manual",
                    &question.step,
                    None,
                    &format!("{who}{}", question.ask),
                );
            }
            Event::Ended { step, end, why } => self.ended(step, end, why),
            Event::Left { critical_path_ms } => self.left(critical_path_ms),
            Event::Stopping { why } => self.line(&format!("stopping: {why}")),
        }
    }
}

/// `731 MB of 1.1 GB · 15 MB/s · about 0:24 left`.
fn progress_text(update: &Update, done_here: u64, time: Duration) -> String {
    let amount = |number: u64| match update.unit {
        Unit::Bytes => Size(number).to_string(),
        Unit::Things => number.to_string(),
        Unit::Percent => format!("{number} %"),
    };
    let mut parts = Vec::new();
    match (update.total, update.unit) {
        (Some(total), Unit::Bytes | Unit::Things) => {
            parts.push(format!("{} of {}", amount(update.done), amount(total)));
        }
        (None, Unit::Bytes | Unit::Things) | (_, Unit::Percent) => parts.push(amount(update.done)),
    }
    let seconds = time.as_secs_f64();
    if seconds >= 1.0 && done_here > 0 {
        let rate = done_here as f64 / seconds;
        match update.unit {
            Unit::Bytes => parts.push(format!("{}/s", Size(rate as u64))),
            Unit::Things => parts.push(format!("{rate:.0}/s")),
            Unit::Percent => {}
        }
        if let Some(total) = update.total {
            let left = total.saturating_sub(update.done) as f64 / rate;
            parts.push(format!(
                "about {} left",
                clock_time(Duration::from_secs_f64(left.min(1e9)))
            ));
        }
    }
    if let Some(says) = &update.says {
        parts.insert(0, says.clone());
    }
    parts.join(" · ")
}

/// `0:02`, `14:31`, `1:05:12`.
pub fn clock_time(length: Duration) -> String {
    let seconds = length.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use salvor_contract::Unit;
    use salvor_contract::Update;

    use super::clock_time;
    use super::progress_text;

    #[test]
    fn progress_says_amount_rate_and_time_left() {
        let update = Update {
            done: 731_000_000,
            total: Some(1_100_000_000),
            unit: Unit::Bytes,
            says: None,
        };
        assert_eq!(
            progress_text(&update, 731_000_000, Duration::from_secs(50)),
            "731 MB of 1.1 GB · 14.6 MB/s · about 0:25 left"
        );
        let update = Update {
            done: 60,
            total: Some(100),
            unit: Unit::Percent,
            says: Some("creating".into()),
        };
        assert_eq!(progress_text(&update, 0, Duration::ZERO), "creating · 60 %");
    }

    #[test]
    fn times_read_like_a_clock() {
        assert_eq!(clock_time(Duration::from_secs(871)), "14:31");
        assert_eq!(clock_time(Duration::from_secs(3912)), "1:05:12");
    }
}
