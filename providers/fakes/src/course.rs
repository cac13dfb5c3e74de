//! Turns a script of states into what each reading of a resource shows. No clock: readings are what moves it.

use std::collections::VecDeque;

/// A state that a resource is in for a number of readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    shows: Shows,
    readings: u32,
    percent: Option<u8>,
}

/// What a reading finds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shows {
    /// The resource in this state.
    Status(String),
    /// Nothing yet, although it is there: what was made is not seen by every reading at once.
    Nothing,
    /// Nothing any more.
    Gone,
}

impl Phase {
    /// Returns a phase that one reading shows, in a state of any name: those that the vendor documents and others.
    pub fn of(status: &str) -> Phase {
        Phase {
            shows: Shows::Status(status.to_owned()),
            readings: 1,
            percent: None,
        }
    }

    /// Returns a phase in which readings do not find the resource, although it is there.
    pub fn unseen() -> Phase {
        Phase {
            shows: Shows::Nothing,
            ..Phase::of("")
        }
    }

    /// Returns the phase after which the resource is no more. Only the last of a course.
    pub fn gone() -> Phase {
        Phase {
            shows: Shows::Gone,
            ..Phase::of("")
        }
    }

    /// Makes this many readings show the phase. The last phase of a course is shown by all that follow.
    #[must_use]
    pub fn readings(mut self, number: u32) -> Phase {
        self.readings = number;
        self
    }

    /// Shows this progress.
    #[must_use]
    pub fn percent(mut self, percent: u8) -> Phase {
        self.percent = Some(percent);
        self
    }
}

/// The phases that a resource goes through, the present one first. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course(VecDeque<Phase>);

impl Course {
    /// Returns a course through these phases. The last one stays.
    ///
    /// # Panics
    /// There is no phase.
    pub fn of(phases: impl IntoIterator<Item = Phase>) -> Course {
        let phases: VecDeque<Phase> = phases.into_iter().collect();
        assert!(!phases.is_empty(), "a course has a phase");
        Course(phases)
    }

    /// Returns a course that stays in this state.
    pub fn at(status: &str) -> Course {
        Course::of([Phase::of(status)])
    }

    /// Returns the state that the next reading shows or, where it would find nothing, the first one after that. It
    /// is what the call shows that makes or changes a resource.
    pub fn status(&self) -> &str {
        let shown = self.0.iter().find_map(|phase| match &phase.shows {
            Shows::Status(status) => Some(&**status),
            Shows::Nothing | Shows::Gone => None,
        });
        shown.unwrap_or_default()
    }

    /// Returns the progress that the next reading shows.
    pub fn percent(&self) -> Option<u8> {
        self.present().percent
    }

    /// Returns whether nothing is to change any more.
    pub fn is_at_rest(&self) -> bool {
        self.0.len() == 1
    }

    /// Returns whether readings do not find the resource.
    pub(crate) fn is_unseen(&self) -> bool {
        self.present().shows == Shows::Nothing
    }

    /// Returns whether the resource is no more.
    pub(crate) fn is_gone(&self) -> bool {
        self.present().shows == Shows::Gone
    }

    /// Counts a reading, after it was answered.
    pub(crate) fn advance(&mut self) {
        let is_last = self.is_at_rest();
        let present = self.0.front_mut().expect("a course has a phase");
        present.readings = present.readings.saturating_sub(1);
        if present.readings == 0 && !is_last {
            self.0.pop_front();
        }
    }

    fn present(&self) -> &Phase {
        self.0.front().expect("a course has a phase")
    }
}

#[cfg(test)]
mod tests {
    use super::Course;
    use super::Phase;

    #[test]
    fn readings_move_a_course_to_its_last_phase() {
        let mut course = Course::of([
            Phase::unseen().readings(2),
            Phase::of("creating").percent(40),
            Phase::of("available"),
        ]);
        assert_eq!(course.status(), "creating");
        let mut shown = Vec::new();
        for _ in 0..5 {
            shown.push((
                course.is_unseen(),
                course.status().to_owned(),
                course.percent(),
            ));
            course.advance();
        }
        let of = |unseen, status: &str, percent| (unseen, status.to_owned(), percent);
        let expected = [
            of(true, "creating", None),
            of(true, "creating", None),
            of(false, "creating", Some(40)),
            of(false, "available", None),
            of(false, "available", None),
        ];
        assert_eq!(shown, expected);
        assert!(course.is_at_rest());
    }
}
