//! Who types into the host's terminals, and the file that tells who did. The rules are in [`DriverPolicy`].

use super::{Host, Terminal};
use crate::io::core::Core;
use crate::proto::audit::Contents;
use crate::proto::id::{AuthorId, PaneId};
use crate::proto::session::{DriverPolicy, DrivingError};

/// Says whose keys reach a terminal. The host's own keyboard is beside all this: its keys always pass.
impl Host {
    /// Sets whose keys reach a terminal. Everybody is shown it, in [`StateView::policies`](crate::StateView::policies).
    ///
    /// With [`DriverPolicy::One`], [`Event::DriveWished`](crate::Event::DriveWished) says who would like to drive and
    /// cannot; with [`DriverPolicy::ApproveLines`], [`Event::LineProposed`](crate::Event::LineProposed) asks about each
    /// line, and [`answer_line`](Self::answer_line) answers.
    ///
    /// # Errors
    ///
    /// [`DrivingError::NoPane`] once the terminal has ended.
    pub fn set_driver_policy(&self, pane: PaneId, policy: DriverPolicy) -> Result<(), DrivingError> {
        set_policy(&self.session.core, pane, policy)
    }

    /// Returns whose keys reach a terminal; `None` once it has ended.
    #[must_use]
    pub fn driver_policy(&self, pane: PaneId) -> Option<DriverPolicy> {
        self.session.core.read(|inner, _| inner.peer.driver_policy(pane))
    }

    /// Returns who drives a terminal.
    #[must_use]
    pub fn driver(&self, pane: PaneId) -> Option<AuthorId> {
        self.session.core.read(|inner, _| inner.peer.driver(pane))
    }

    /// Returns who waits to drive a terminal, first come first.
    #[must_use]
    pub fn wishes(&self, pane: PaneId) -> Vec<AuthorId> {
        self.session.core.read(|inner, _| inner.peer.wishes(pane))
    }

    /// Has a member drive a terminal, the host itself included; `None` takes it back.
    ///
    /// # Errors
    ///
    /// [`DrivingError`]; nothing has changed then.
    pub fn grant(&self, pane: PaneId, driver: Option<AuthorId>) -> Result<(), DrivingError> {
        self.session.core.with(|inner, now| inner.peer.grant(pane, driver, now))
    }

    /// Returns the lines that wait for the owner's answer: one of each member and terminal.
    #[must_use]
    pub fn proposed_lines(&self) -> Vec<(PaneId, AuthorId, String)> {
        self.session.core.read(|inner, _| inner.peer.proposed_lines())
    }

    /// Answers whether a member's line is written.
    ///
    /// # Errors
    ///
    /// [`DrivingError::NoLine`] if none waits any more.
    pub fn answer_line(&self, pane: PaneId, author: AuthorId, accept: bool) -> Result<(), DrivingError> {
        self.session.core.with(|inner, now| inner.peer.answer_line(pane, author, accept, now))
    }

    /// Returns the session's signed history as a file, for [`audit::read`](crate::audit::read).
    #[must_use]
    pub fn export_audit(&self, contents: Contents) -> Vec<u8> {
        // A host is a member of its own session from the start.
        self.session.core.with(|inner, now| inner.peer.export_audit(contents, now)).unwrap_or_default()
    }
}

impl Terminal {
    /// Sets whose keys reach this terminal, as [`Host::set_driver_policy`] does.
    ///
    /// # Errors
    ///
    /// [`DrivingError::NoPane`] once it has ended.
    pub fn set_driver_policy(&self, policy: DriverPolicy) -> Result<(), DrivingError> {
        set_policy(&self.core, self.pane(), policy)
    }
}

fn set_policy(core: &Core, pane: PaneId, policy: DriverPolicy) -> Result<(), DrivingError> {
    core.with(|inner, now| inner.peer.set_driver_policy(pane, policy, now))
}

#[cfg(test)]
mod tests {
    use super::super::Lan;
    use super::*;
    use crate::Size;

    /// The program around a host sees the machine's rules and its history through the front door.
    #[tokio::test]
    async fn policy_and_audit_are_reached_through_the_host() {
        let host = Host::builder().name("ada").lan(Lan::Off).start().await.unwrap();
        let pane = host.open_pane("shell", "sh", Size::new(80, 24)).unwrap();
        let id = pane.id();
        assert_eq!(host.driver_policy(id), Some(DriverPolicy::Everybody));
        host.set_driver_policy(id, DriverPolicy::ONE).unwrap();
        let me = host.session().me();
        host.grant(id, me).unwrap();
        assert_eq!((host.driver(id), host.session().state().drivers.get(&id).copied()), (me, me));
        pane.end(0).unwrap();
        assert_eq!(host.set_driver_policy(id, DriverPolicy::Everybody), Err(DrivingError::NoPane(id)));
        let audit = crate::audit::read(&host.export_audit(Contents::Included)).unwrap();
        assert_eq!(Some(audit.writer.author), me);
        assert!(audit.events.iter().any(|event| event.to_string().ends_with("drives terminal 0")));
        host.end().await;
    }
}
