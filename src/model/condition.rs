//! The small language of `when`: comparisons of enum and boolean inputs, `and`, `or`, `not`, brackets.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

/// A condition over inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `mode == in-place`, `mode in [a, b]`, `mode != a`, `flag`: the input has one of the words, or none.
    Is {
        /// The input.
        input: String,
        /// Where it stands in the condition.
        at: (usize, usize),
        /// The words.
        words: Vec<String>,
        /// True for `!=` and `not in`.
        is_negated: bool,
    },
    /// Both hold.
    And(Box<Self>, Box<Self>),
    /// One holds.
    Or(Box<Self>, Box<Self>),
    /// It does not hold.
    Not(Box<Self>),
}

/// Why a text is not a condition, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionError {
    /// A fragment.
    pub message: String,
    /// Bytes of the text.
    pub at: Range<usize>,
}

/// Brackets may be nested this deep.
const DEPTH_MAX: usize = 16;

impl Condition {
    /// Reads a condition.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let words = words_of(text)?;
        let mut parser = Parser {
            words: &words,
            next: 0,
            end: text.len(),
            depth: 0,
        };
        let condition = parser.either()?;
        match parser.peek() {
            None => Ok(condition),
            Some((word, at)) => Err(ConditionError {
                message: format!("`{word}` is too much"),
                at: at.clone(),
            }),
        }
    }

    /// Whether it holds for these values.
    pub fn holds(&self, values: &BTreeMap<String, String>) -> bool {
        match self {
            Self::Is {
                input,
                at: _,
                words,
                is_negated,
            } => values.get(input).is_some_and(|value| words.contains(value)) != *is_negated,
            Self::And(a, b) => a.holds(values) && b.holds(values),
            Self::Or(a, b) => a.holds(values) || b.holds(values),
            Self::Not(a) => !a.holds(values),
        }
    }

    /// The comparisons in it: input, its place, words.
    pub fn comparisons(&self) -> Vec<(&str, (usize, usize), &[String])> {
        match self {
            Self::Is {
                input,
                at,
                words,
                is_negated: _,
            } => vec![(input, *at, words)],
            Self::And(a, b) | Self::Or(a, b) => {
                let mut all = a.comparisons();
                all.extend(b.comparisons());
                all
            }
            Self::Not(a) => a.comparisons(),
        }
    }

    /// The inputs that it asks about.
    pub fn inputs(&self) -> BTreeSet<&str> {
        self.comparisons()
            .into_iter()
            .map(|(input, _, _)| input)
            .collect()
    }

    /// The same condition about other inputs.
    ///
    /// # Errors
    /// The first input for which there is no other name.
    pub fn renamed(&self, rename: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        Ok(match self {
            Self::Is {
                input,
                at,
                words,
                is_negated,
            } => Self::Is {
                input: rename(input).ok_or_else(|| input.clone())?,
                at: *at,
                words: words.clone(),
                is_negated: *is_negated,
            },
            Self::And(a, b) => {
                Self::And(Box::new(a.renamed(rename)?), Box::new(b.renamed(rename)?))
            }
            Self::Or(a, b) => Self::Or(Box::new(a.renamed(rename)?), Box::new(b.renamed(rename)?)),
            Self::Not(a) => Self::Not(Box::new(a.renamed(rename)?)),
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is {
                input,
                at: _,
                words,
                is_negated,
            } => match (words.as_slice(), is_negated) {
                ([word], false) => write!(f, "{input} == {word}"),
                ([word], true) => write!(f, "{input} != {word}"),
                (words, false) => write!(f, "{input} in [{}]", words.join(", ")),
                (words, true) => write!(f, "{input} not in [{}]", words.join(", ")),
            },
            Self::And(a, b) => write!(f, "({a} and {b})"),
            Self::Or(a, b) => write!(f, "({a} or {b})"),
            Self::Not(a) => write!(f, "not ({a})"),
        }
    }
}

type Word = (String, Range<usize>);

fn words_of(text: &str) -> Result<Vec<Word>, ConditionError> {
    let mut words = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        let mut end = start + c.len_utf8();
        match c {
            ' ' | '\t' | '\n' | '\r' => continue,
            '(' | ')' | '[' | ']' | ',' => {}
            '=' | '!' => match chars.next() {
                Some((at, '=')) => end = at + 1,
                Some(_) | None => {
                    return Err(ConditionError {
                        message: "comparisons are `==` and `!=`".into(),
                        at: start..end,
                    });
                }
            },
            '"' | '\'' => {
                let mut word = String::new();
                loop {
                    match chars.next() {
                        Some((at, close)) if close == c => {
                            end = at + 1;
                            break;
                        }
                        Some((_, inner)) => word.push(inner),
                        None => {
                            return Err(ConditionError {
                                message: "the quotes are not closed".into(),
                                at: start..text.len(),
                            });
                        }
                    }
                }
                words.push((word, start..end));
                continue;
            }
            c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') => {
                while let Some((at, next)) = chars.peek().copied() {
                    if !(next.is_ascii_alphanumeric() || matches!(next, '-' | '_' | '.')) {
                        break;
                    }
                    end = at + 1;
                    chars.next();
                }
            }
            _ => {
                return Err(ConditionError {
                    message: format!("`{}` means nothing in a condition", c.escape_default()),
                    at: start..end,
                });
            }
        }
        words.push((text[start..end].to_owned(), start..end));
    }
    Ok(words)
}

struct Parser<'a> {
    words: &'a [Word],
    next: usize,
    end: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.next)
    }

    fn take(&mut self, expected: &str) -> bool {
        let is_there = self.peek().is_some_and(|(word, _)| word == expected);
        self.next += usize::from(is_there);
        is_there
    }

    fn fail<T>(&self, message: &str) -> Result<T, ConditionError> {
        Err(ConditionError {
            message: message.to_owned(),
            at: self.peek().map_or(self.end..self.end, |(_, at)| at.clone()),
        })
    }

    fn either(&mut self) -> Result<Condition, ConditionError> {
        let mut left = self.both()?;
        while self.take("or") {
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Condition, ConditionError> {
        let mut left = self.one()?;
        while self.take("and") {
            left = Condition::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Condition, ConditionError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.fail("nested too deep");
        }
        let condition = if self.take("not") {
            Condition::Not(Box::new(self.one()?))
        } else if self.take("(") {
            let inner = self.either()?;
            if !self.take(")") {
                return self.fail("`)` is missing");
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn word(&mut self, what: &str) -> Result<Word, ConditionError> {
        match self.peek() {
            Some((word, at)) if word.starts_with(|c: char| c.is_ascii_alphanumeric()) => {
                let found = (word.clone(), at.clone());
                self.next += 1;
                Ok(found)
            }
            Some(_) | None => self.fail(what),
        }
    }

    fn comparison(&mut self) -> Result<Condition, ConditionError> {
        let (written, at) = self.word("the name of an input is expected")?;
        let input = written
            .strip_prefix("inputs.")
            .unwrap_or(&written)
            .to_owned();
        let is = |words: Vec<String>, is_negated: bool| Condition::Is {
            input: input.clone(),
            at: (at.start, at.end),
            words,
            is_negated,
        };
        for (sign, is_negated) in [("==", false), ("!=", true)] {
            if self.take(sign) {
                let (word, _) = self.word("a word is expected")?;
                return Ok(is(vec![word], is_negated));
            }
        }
        let is_negated = self.take("not");
        if self.take("in") {
            if !self.take("[") {
                return self.fail("`[` is expected");
            }
            let mut words = vec![self.word("a word is expected")?.0];
            while self.take(",") {
                words.push(self.word("a word is expected")?.0);
            }
            if !self.take("]") {
                return self.fail("`]` is missing");
            }
            return Ok(is(words, is_negated));
        }
        if is_negated {
            return self.fail("`in` is expected");
        }
        Ok(is(vec!["true".to_owned()], false))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Condition;

    fn check(text: &str, values: &[(&str, &str)], expected: bool) {
        let condition = Condition::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        let values: BTreeMap<String, String> = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(condition.holds(&values), expected, "{text}");
        let again = Condition::parse(&condition.to_string()).expect("its own form");
        assert_eq!(again.holds(&values), expected, "{again}");
    }

    #[test]
    fn conditions_hold_or_do_not() {
        let values = [("mode", "in-place"), ("flag", "true")];
        check("mode == in-place", &values, true);
        check("inputs.mode != \"in-place\"", &values, false);
        check("mode in [new, in-place] and flag", &values, true);
        check(
            "mode not in [new] and not flag or mode == new",
            &values,
            false,
        );
        check("not (mode == new or flag)", &values, false);
        check("flag == false", &values, false);
    }

    #[test]
    fn what_is_not_a_condition_says_where() {
        for (text, at) in [
            ("mode = x", 5..6),
            ("mode ==", 7..7),
            ("a b", 2..3),
            ("", 0..0),
            ("(a", 2..2),
        ] {
            assert_eq!(Condition::parse(text).map_err(|e| e.at), Err(at), "{text}");
        }
        assert!(Condition::parse(&"not ".repeat(1000)).is_err());
    }
}
