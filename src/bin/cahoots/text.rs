//! Text for people: errors with hints, durations, colour that can be switched off.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use cahoots::{Alarm, Member, sanitise_line};

/// Longest alarm that is shown, in bytes.
const ALARM_BYTES_MAX: usize = 1_024;

/// What went wrong and what to do about it: two lines for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), hint: None }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string()).filter(|hint| !hint.is_empty());
        self
    }

    /// Prints `error:` and `hint:` lines to stderr; a closed stderr is nobody's problem any more.
    pub(crate) fn print(&self) {
        let paint = Paint::of(&io::stderr());
        let mut err = io::stderr().lock();
        let _ = writeln!(err, "{} {}", paint.red("error:"), self.message);
        if let Some(hint) = &self.hint {
            let _ = writeln!(err, "{} {hint}", paint.cyan("hint:"));
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(error)
    }
}

/// Prints a `warning:` line to stderr.
pub(crate) fn warn(text: impl fmt::Display) {
    let paint = Paint::of(&io::stderr());
    let _ = writeln!(io::stderr(), "{} {text}", paint.yellow("warning:"));
}

/// Prints one line to stdout. A reader that went away is reported as an error instead of a panic.
pub(crate) fn print_line(line: impl fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Returns whether our own text may be coloured at all.
pub(crate) fn colour_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Colours words if the reader is a terminal that wants them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    is_terminal: bool,
    on: bool,
}

impl Paint {
    pub(crate) fn of(stream: &impl IsTerminal) -> Self {
        let is_terminal = stream.is_terminal();
        Self { is_terminal, on: is_terminal && colour_wanted() }
    }

    #[cfg(test)]
    pub(crate) const fn off() -> Self {
        Self { is_terminal: true, on: false }
    }

    /// Tells whether somebody looks at it, in colour or not.
    pub(crate) const fn is_terminal(self) -> bool {
        self.is_terminal
    }

    pub(crate) const fn is_on(self) -> bool {
        self.on
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }

    /// In figures that no theme changes.
    pub(crate) fn black_on_white(self, text: &str) -> String {
        self.paint("38;5;16;48;5;231", text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }
}

/// Says how long something takes or was ago, in its largest unit: `45 s`, `2 min`, `3 h`, `7 d`.
pub(crate) fn span(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// Says how long ago something was; within the last minute it is `now`, so that lines do not tick.
pub(crate) fn ago(duration: Duration) -> String {
    if duration < Duration::from_secs(60) { "now".to_owned() } else { span(duration) }
}

/// Says a round-trip time as people read it: `0.4 ms`, `32 ms`, `1.2 s`.
pub(crate) fn round_trip(rtt: Duration) -> String {
    let ms = rtt.as_secs_f64() * 1_000.0;
    if ms < 9.95 {
        format!("{ms:.1} ms")
    } else if ms < 999.5 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1_000.0)
    }
}

/// Says an alarm with the names that people know.
pub(crate) fn alarm_text(alarm: &Alarm, members: &[Member]) -> String {
    let named = members.iter().fold(alarm.to_string(), |text, member| {
        text.replace(&member.author.to_string(), &format!("{} (key {})", member.name, member.key()))
    });
    sanitise_line(&named, ALARM_BYTES_MAX)
}

/// Says `1 person`, `2 people`.
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spans are read at a glance: one unit, never `0 h`, never `119 min 3 s`.
    #[test]
    fn spans_use_their_largest_unit() {
        let cases = [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3_599, "59 min"), (3_600, "1 h"), (172_800, "2 d")];
        for (seconds, said) in cases {
            assert_eq!(span(Duration::from_secs(seconds)), said);
        }
        assert_eq!(ago(Duration::from_secs(59)), "now");
        assert_eq!(ago(Duration::from_secs(120)), "2 min");
    }

    /// A LAN and a relay differ by a factor of a hundred: both must show digits that mean something.
    #[test]
    fn round_trips_keep_two_digits_that_matter() {
        let cases = [(400, "0.4 ms"), (9_960, "10 ms"), (32_400, "32 ms"), (999_400, "999 ms"), (1_200_000, "1.2 s")];
        for (us, said) in cases {
            assert_eq!(round_trip(Duration::from_micros(us)), said);
        }
    }
}
