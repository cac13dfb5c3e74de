//! Shows a run while it goes on: bars on a terminal, plain lines elsewhere.
//!
//! It draws what it is told and remembers only what it needs to draw; the journal has the truth.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressState;
use indicatif::ProgressStyle;
use salvor_contract::Clock;
use salvor_contract::KindName;
use salvor_contract::Size;
use salvor_contract::StepName;
use salvor_contract::Unit;
use salvor_contract::Update;

use crate::cli::screen::Screen;
use crate::execution::End;
use crate::execution::Event;
use crate::execution::Question;
use crate::execution::Watcher;
use crate::execution::board::Left;
use crate::recovery_points::length_words;

/// How often a plain line tells of the same step's progress at most.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Without a terminal the course of a run is told again after so long, or when it changes.
const COURSE_EVERY: Duration = Duration::from_secs(60);

/// What a view of a run knows of it beforehand.
pub struct Outlook {
    /// How a person answers a question of it: `salvor answer r7kq4m`.
    pub answer_with: String,
    /// The length of the longest name of its steps.
    pub width: usize,
    /// How long it goes on already, with the time in which no process worked on it.
    pub elapsed: Duration,
    /// How long it may take.
    pub rto: Option<Duration>,
    /// False when there is no prediction for some of its steps.
    pub is_whole: bool,
}

/// Shows a run on stderr.
pub struct Terminal {
    clock: Arc<dyn Clock>,
    began: Duration,
    outlook: Arc<Outlook>,
    screen: Arc<Screen>,
    left: Arc<Mutex<Left>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: BTreeMap<StepName, Running>,
    footer: Option<ProgressBar>,
    /// When the course was told last, and whether it was late then.
    course_told: Option<(Duration, bool)>,
}

struct Running {
    since: Duration,
    told: Duration,
    bar: Option<ProgressBar>,
    first_done: Option<(u64, Duration)>,
}

impl Terminal {
    /// A view of a run.
    pub fn new(clock: Arc<dyn Clock>, screen: Arc<Screen>, outlook: Outlook) -> Self {
        let began = clock.elapsed();
        Self {
            clock,
            began,
            outlook: Arc::new(outlook),
            screen,
            left: Arc::default(),
            state: Mutex::default(),
        }
    }

    fn row(&self, word: &str, step: &StepName, time: Option<Duration>, rest: &str) {
        let time = time.map(clock_time).unwrap_or_default();
        let line = format!(
            "  {word:<8} {step:<width$} {time:>7}   {rest}",
            width = self.outlook.width
        );
        self.screen.line(line.trim_end());
    }

    fn started(&self, step: &StepName, says: &str) {
        let now = self.clock.elapsed();
        let bar = self.screen.bars().map(|bars| {
            let bar = bars.add(ProgressBar::no_length());
            let style = format!(
                "  running  {{prefix:<{}}} {{elapsed:>7}}   {{msg}}",
                self.outlook.width
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
            End::LeftRunning => ("left", "`salvor resume` looks for what became of it"),
        };
        self.row(word, step, length, rest);
    }

    /// Shows whether the run will be in time: below the bars at every moment, else when it matters.
    fn left(&self, left: Left) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = left;
        match self.screen.bars() {
            Some(bars) => {
                let mut state = self.lock();
                state.footer.get_or_insert_with(|| bars.add(self.footer()));
            }
            None => self.tell_course(left),
        }
    }

    /// The last line of a terminal. It is made anew whenever it is drawn.
    fn footer(&self) -> ProgressBar {
        let (clock, outlook) = (Arc::clone(&self.clock), Arc::clone(&self.outlook));
        let (left, began) = (Arc::clone(&self.left), self.began);
        let write = move |_: &ProgressState, to: &mut dyn std::fmt::Write| {
            let now = clock.elapsed();
            let left = left.lock().unwrap_or_else(PoisonError::into_inner).at(now);
            let elapsed = outlook.elapsed + now.saturating_sub(began);
            // The bar's own buffer takes everything.
            let _ = to.write_str(&course_text(&outlook, elapsed, left).0);
        };
        let bar = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template("  {course}") {
            bar.set_style(style.with_key("course", write));
        }
        bar.enable_steady_tick(Duration::from_secs(1));
        bar
    }

    fn tell_course(&self, left: Left) {
        if self.outlook.rto.is_none() {
            return;
        }
        let now = self.clock.elapsed();
        let elapsed = self.outlook.elapsed + now.saturating_sub(self.began);
        let (text, is_late) = course_text(&self.outlook, elapsed, left.at(now));
        let mut state = self.lock();
        let is_news = match state.course_told {
            None => true,
            Some((told, was_late)) => was_late != is_late || now - told >= COURSE_EVERY,
        };
        if is_news {
            state.course_told = Some((now, is_late));
            drop(state);
            self.screen.line(&format!("  {text}"));
        }
    }

    fn asked(&self, question: &Question) {
        let who = question
            .role
            .as_ref()
            .map(|role| format!("for {role}, "))
            .unwrap_or_default();
        let step = &question.step;
        let until = question.until.strftime("%Y-%m-%dT%H:%MZ");
        self.row(
            "manual",
            step,
            None,
            &format!("{who}until {until}: {}", question.ask),
        );
        let how = match question.evidence.as_deref() {
            Some("file" | "screenshot") => "--file FILE",
            Some("confirm") => "--text yes",
            Some(_) | None => "--text …",
        };
        let answer_with = &self.outlook.answer_with;
        self.screen.line(&format!(
            "           answer with: {answer_with} {step} {how}"
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
            Event::Asked { question } => self.asked(question),
            Event::NotAccepted { step, why } => {
                self.row("manual", step, None, &format!("not accepted: {why}"));
            }
            Event::Ended { step, end, why } => self.ended(step, end, why),
            Event::Told {
                event,
                about,
                by,
                end,
                why,
            } => self.screen.line(&told_text(event, about, by, end, why)),
            Event::Left { critical_path } => self.left(critical_path),
            Event::Stopping { why } => self.screen.line(&format!("stopping: {why}")),
        }
    }
}

/// `elapsed 14:33 · critical path left about 1:05:00 · RTO 2 h: on course`, and whether it will be late.
fn course_text(outlook: &Outlook, elapsed: Duration, left: Duration) -> (String, bool) {
    let about = if outlook.is_whole {
        "about"
    } else {
        "at least"
    };
    let mut text = format!(
        "elapsed {} · critical path left {about} {}",
        clock_time(elapsed),
        clock_time(left)
    );
    let Some(rto) = outlook.rto else {
        return (text, false);
    };
    let late = (elapsed + left).saturating_sub(rto);
    let course = if late.is_zero() {
        "on course".to_owned()
    } else {
        format!("late by {about} {}", length_words(late))
    };
    text.push_str(&format!(" · RTO {}: {course}", length_words(rto)));
    (text, !late.is_zero())
}

/// `  told     asked review, by system.notify`.
fn told_text(event: &str, about: Option<&StepName>, by: &KindName, end: End, why: &str) -> String {
    let about = about.map(|step| format!(" {step}")).unwrap_or_default();
    match end {
        End::Succeeded | End::Adopted => format!("  told     {event}{about}, by {by}"),
        End::Failed => format!("  not told {event}{about}, by {by}: {why}"),
        End::Unknown | End::LeftRunning => {
            format!("  not told {event}{about}, by {by}, as far as is known: {why}")
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

    use super::Outlook;
    use super::clock_time;
    use super::course_text;
    use super::progress_text;

    #[test]
    fn the_course_is_held_against_the_objective() {
        let check = |elapsed: u64, left: u64, rto: Option<u64>, is_whole, expected: &str| {
            let outlook = Outlook {
                answer_with: String::new(),
                width: 0,
                elapsed: Duration::ZERO,
                rto: rto.map(Duration::from_secs),
                is_whole,
            };
            let (elapsed, left) = (Duration::from_secs(elapsed), Duration::from_secs(left));
            assert_eq!(course_text(&outlook, elapsed, left).0, expected);
        };
        let on_course = "elapsed 14:33 · critical path left about 1:05:00 · RTO 2 h: on course";
        check(873, 3900, Some(7200), true, on_course);
        let late = "elapsed 1:00:00 · critical path left at least 1:12:00 · RTO 2 h: late by at least 12 min";
        check(3600, 4320, Some(7200), false, late);
        check(
            2,
            1,
            None,
            true,
            "elapsed 0:02 · critical path left about 0:01",
        );
    }

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
