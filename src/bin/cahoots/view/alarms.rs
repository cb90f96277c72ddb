//! Alarms on the status line: they stay until they were seen.

/// Alarms that are kept; more of them say nothing new.
const ALARMS_MAX: usize = 32;

/// What went wrong and was not seen yet, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    unseen: Vec<String>,
}

impl Alarms {
    /// Adds an alarm, unless it stands there already.
    pub(crate) fn raise(&mut self, alarm: String) {
        if !self.unseen.contains(&alarm) && self.unseen.len() < ALARMS_MAX {
            self.unseen.push(alarm);
        }
    }

    /// Takes the one that is shown away.
    pub(crate) fn dismiss(&mut self) {
        if !self.unseen.is_empty() {
            self.unseen.remove(0);
        }
    }

    /// Returns what to show.
    pub(crate) fn line(&self) -> Option<String> {
        let first = self.unseen.first()?;
        let more = match self.unseen.len() {
            1 => String::new(),
            count => format!(" (1 of {count})"),
        };
        Some(format!("alarm: {first}{more}"))
    }
}
