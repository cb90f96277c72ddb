//! Questions to the owner on the last line of the own terminal, and which keys answer them.
//!
//! session --ask, withdraw--> Prompt --text--> the last line; keys --handle_keys--> answers | the shared program
//!
//! Always: a question takes no key before it has been on the screen for a while and the keyboard has rested: what was
//! meant for the program never answers it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use cahoots::{AuthorId, PaneId};

/// How long a question stands, and the keyboard rests, before keys answer it.
const REST: Duration = Duration::from_millis(700);
/// Questions that may wait; a crowd of strangers must not fill the memory. The list of members has them all.
const QUESTIONS_MAX: usize = 64;

/// Something that the owner has to say yes or no to, or to take note of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Question {
    pub(crate) about: About,
    pub(crate) text: String,
}

/// What a question is about; two of the same kind about the same are one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum About {
    /// Somebody waits to be let in.
    Knock(AuthorId),
    /// Somebody wants a line to be run.
    Line(PaneId, AuthorId),
    /// Somebody wants to drive.
    Drive(PaneId, AuthorId),
    /// The owner should know, and has nothing to say: something is wrong, say.
    Notice,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    Yes,
    No,
}

/// What became of keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Keys {
    /// They are the program's.
    Pass,
    /// They were the question's, and mean nothing to it.
    Taken,
    Answered(About, Answer),
}

/// The questions that wait, the first of them on the screen.
#[derive(Debug, Default)]
pub(crate) struct Prompt {
    questions: VecDeque<Question>,
    /// When the first question appeared, or a key was last the program's.
    rests_since: Option<Instant>,
}

impl Prompt {
    /// Adds a question, unless it is asked already; a notice gives way to a newer one only when it has been seen.
    pub(crate) fn ask(&mut self, question: Question, now: Instant) {
        let is_known = |known: &Question| match question.about {
            About::Notice => *known == question,
            about => known.about == about,
        };
        if self.questions.iter().any(is_known) || self.questions.len() >= QUESTIONS_MAX {
            return;
        }
        if self.questions.is_empty() {
            self.rests_since = Some(now);
        }
        self.questions.push_back(question);
    }

    /// Takes back the questions that somebody else has answered.
    pub(crate) fn withdraw(&mut self, now: Instant, is_over: impl Fn(About) -> bool) {
        let first = self.questions.front().map(|question| question.about);
        self.questions.retain(|question| !is_over(question.about));
        if self.questions.front().map(|question| question.about) != first {
            self.rests_since = Some(now);
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.questions.is_empty()
    }

    /// Returns whether keys are the question's now.
    pub(crate) fn has_keys(&self, now: Instant) -> bool {
        self.is_open() && self.rests_since.is_some_and(|since| now.duration_since(since) >= REST)
    }

    /// Says whose keys these are, as one read from the keyboard gave them.
    pub(crate) fn handle_keys(&mut self, keys: &[u8], now: Instant) -> Keys {
        if !self.has_keys(now) {
            self.rests_since = Some(now);
            return Keys::Pass;
        }
        let Some(question) = self.questions.front() else { return Keys::Pass };
        let answer = match (question.about, keys) {
            (About::Notice, b"\r" | b"\n" | b"\x1b" | b"q") => Answer::Yes,
            (About::Notice, _) => return Keys::Taken,
            (_, b"y" | b"Y") => Answer::Yes,
            (_, b"n" | b"N" | b"\x1b") => Answer::No,
            _ => return Keys::Taken,
        };
        let about = question.about;
        self.questions.pop_front();
        self.rests_since = Some(now);
        Keys::Answered(about, answer)
    }

    /// Lays the question out on a line of `cols` columns; the keys are never cut off.
    pub(crate) fn line(&self, cols: u16) -> Option<String> {
        let question = self.questions.front()?;
        let keys = match question.about {
            About::Notice => "Enter goes on",
            About::Knock(_) => "y lets in, n does not",
            About::Line(..) => "y runs it, n drops it",
            About::Drive(..) => "y lets drive, n does not",
        };
        let more = match self.questions.len() {
            1 => String::new(),
            count => format!("  (1 of {count})"),
        };
        let tail = format!("  {keys}{more} ");
        let cols = usize::from(cols);
        let text = fitting(&format!(" {}", question.text), cols.saturating_sub(tail.width()));
        let line = fitting(&format!("{text}{tail}"), cols);
        let free = cols.saturating_sub(line.width());
        Some(line + &" ".repeat(free))
    }
}

/// Cuts a text to so many columns, with an ellipsis where something is missing.
fn fitting(text: &str, cols: usize) -> String {
    if text.width() <= cols {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut width = 0;
    for c in text.chars() {
        width += c.width().unwrap_or(0);
        if width >= cols {
            break;
        }
        cut.push(c);
    }
    if cols > 0 {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEN: AuthorId = AuthorId([1; 16]);
    const CLEO: AuthorId = AuthorId([2; 16]);

    fn knock(author: AuthorId) -> Question {
        Question { about: About::Knock(author), text: format!("let {} in?", author.0[0]) }
    }

    /// Who types a word with a y in it while somebody knocks must not have let them in.
    #[tokio::test(start_paused = true)]
    async fn keys_in_flight_are_the_programs() {
        let (mut prompt, start) = (Prompt::default(), Instant::now());
        prompt.ask(knock(BEN), start);
        let mut now = start;
        for _ in 0..10 {
            now += REST / 2;
            assert_eq!(prompt.handle_keys(b"y", now), Keys::Pass, "the keyboard has not rested");
        }
        assert_eq!(prompt.handle_keys(b"yes\r", now + REST), Keys::Taken, "a paste is no answer");
        assert_eq!(prompt.handle_keys(b"y", now + REST), Keys::Answered(About::Knock(BEN), Answer::Yes));
        assert_eq!(prompt.handle_keys(b"y", now + REST * 2), Keys::Pass);
    }

    /// The second question appears under the finger that answers the first.
    #[tokio::test(start_paused = true)]
    async fn each_question_rests_anew() {
        let (mut prompt, start) = (Prompt::default(), Instant::now());
        for author in [BEN, CLEO, BEN] {
            prompt.ask(knock(author), start);
        }
        let now = start + REST;
        assert_eq!(prompt.handle_keys(b"n", now), Keys::Answered(About::Knock(BEN), Answer::No));
        assert!(!prompt.has_keys(now), "the same key twice");
        assert_eq!(prompt.handle_keys(b"\x1b", now + REST), Keys::Answered(About::Knock(CLEO), Answer::No));
        assert!(!prompt.is_open());
    }

    /// A second terminal may have answered: the question must go, and the next one must not inherit its time.
    #[tokio::test(start_paused = true)]
    async fn answered_elsewhere_is_withdrawn() {
        let (mut prompt, start) = (Prompt::default(), Instant::now());
        prompt.ask(knock(BEN), start);
        prompt.ask(knock(CLEO), start);
        let now = start + REST;
        prompt.withdraw(now, |about| about == About::Knock(BEN));
        assert_eq!(prompt.handle_keys(b"y", now), Keys::Pass);
        assert_eq!(prompt.handle_keys(b"y", now + REST), Keys::Answered(About::Knock(CLEO), Answer::Yes));
    }

    /// A notice, of an alarm say, stays until it was seen: it takes an answer of its own.
    #[tokio::test(start_paused = true)]
    async fn notice_waits_for_enter() {
        let (mut prompt, start) = (Prompt::default(), Instant::now());
        let alarm = Question { about: About::Notice, text: "a relay lies".into() };
        prompt.ask(alarm.clone(), start);
        prompt.ask(alarm, start);
        assert_eq!(prompt.handle_keys(b"y", start + REST), Keys::Taken);
        assert_eq!(prompt.handle_keys(b"\r", start + REST), Keys::Answered(About::Notice, Answer::Yes));
        assert!(!prompt.is_open());
    }

    /// A name of any length must not push the keys off the line, nor the line over the edge.
    #[tokio::test(start_paused = true)]
    async fn line_fits_and_keeps_its_keys() {
        let mut prompt = Prompt::default();
        prompt.ask(Question { about: About::Knock(BEN), text: "界".repeat(100) }, Instant::now());
        for cols in [10, 40, 80, 81, 300] {
            let line = prompt.line(cols).unwrap();
            assert_eq!(line.width(), usize::from(cols), "{line:?}");
            assert!(cols < 40 || line.contains("y lets in, n does not"), "{line:?}");
        }
    }
}
