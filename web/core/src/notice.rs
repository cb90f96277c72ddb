//! What happened, as the page is told.

use crate::Viewer;
use crate::owner::{Answer, DeskView};
use cahoots::proto::session::{Ending, Event};
use cahoots::proto::terminal::StreamEvent;
use cahoots::proto::wire::CloseCode;
use serde::Serialize;

/// One thing that happened. The page tells them apart by `kind`.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Notice {
    /// A link is up.
    Linked { link: u32 },
    /// A link is over; `retry` says whether it makes sense to dial again.
    Unlinked { link: u32, reason: String, retry: bool },
    /// A terminal's screen, to be made anew.
    Keyframe {
        pane: u16,
        cols: u16,
        rows: u16,
        offset: f64,
        #[serde(with = "serde_bytes")]
        data: Vec<u8>,
    },
    /// The lines above a terminal's screen, and the screen: it begins anew.
    Past {
        pane: u16,
        cols: u16,
        rows: u16,
        offset: f64,
        #[serde(with = "serde_bytes")]
        lines: Vec<u8>,
        #[serde(with = "serde_bytes")]
        data: Vec<u8>,
    },
    /// What a program wrote.
    Output {
        pane: u16,
        offset: f64,
        #[serde(with = "serde_bytes")]
        data: Vec<u8>,
    },
    /// A terminal's program has ended.
    PaneEnded { pane: u16, code: i32 },
    /// Somebody came.
    Joined { author: String },
    /// Somebody went.
    Left { author: String },
    /// Who is here, or what they show, changed.
    Presence,
    /// Titles, terminals, notes or drivers changed.
    State,
    /// The chat has grown.
    Chat,
    /// What was typed or asked for is up to somebody else now.
    Waits { pane: u16, what: String },
    /// The host did not take what was typed.
    Refused { pane: u16, reason: String },
    /// Typed bytes are lost.
    InputLost { bytes: f64 },
    /// The owner is asked whether this guest may come in.
    Waiting,
    /// It may.
    LetIn,
    /// Somebody breaks the rules.
    Alarm { text: String },
    /// What came of a command.
    Answered { command: f64, answer: Answer },
    /// What waits for an owner's word.
    Desk { desk: DeskView },
    /// It is over.
    Ended { how: &'static str, text: String },
}

impl Notice {
    /// Translates what concerns a page.
    pub(crate) fn of(event: Event, viewer: &Viewer) -> Option<Self> {
        Some(match event {
            Event::Linked(link) => Self::Linked { link: link.0 as u32 },
            Event::Unlinked(link, code) => {
                let retry = may_retry(code, viewer.is_hearsay(link));
                Self::Unlinked { link: link.0 as u32, reason: code.to_string(), retry }
            }
            Event::Terminal(pane, StreamEvent::Keyframe { size, offset, data }) => {
                Self::Keyframe { pane: pane.0, cols: size.cols, rows: size.rows, offset: offset as f64, data }
            }
            Event::Terminal(pane, StreamEvent::Output { offset, data }) => {
                Self::Output { pane: pane.0, offset: offset as f64, data }
            }
            Event::Terminal(pane, StreamEvent::Past { size, offset, lines, keyframe }) => Self::Past {
                pane: pane.0,
                cols: size.cols,
                rows: size.rows,
                offset: offset as f64,
                lines,
                data: keyframe,
            },
            Event::Terminal(pane, StreamEvent::End { code }) => Self::PaneEnded { pane: pane.0, code },
            Event::Joined(author) => Self::Joined { author: author.to_string() },
            Event::Left(author) => Self::Left { author: author.to_string() },
            Event::Presence(_) => Self::Presence,
            Event::State => Self::State,
            Event::Message(_) => Self::Chat,
            Event::InputWaits(pane, what) => Self::Waits { pane: pane.0, what: what.to_string() },
            Event::InputRefused(pane, reason) => Self::Refused { pane: pane.0, reason: reason.to_string() },
            Event::InputLost { bytes } => Self::InputLost { bytes: bytes as f64 },
            Event::Waiting => Self::Waiting,
            Event::LetIn => Self::LetIn,
            Event::Answered(seq, outcome) => Self::Answered { command: seq as f64, answer: viewer.answer(outcome) },
            Event::Desk(desk) => Self::Desk { desk: DeskView::of(desk) },
            Event::Alarm(alarm) => Self::Alarm { text: alarm.to_string() },
            Event::Ended(ending) => Self::Ended { how: name_of(ending), text: ending.to_string() },
            // The rest concerns hosts.
            _ => return None,
        })
    }
}

const fn name_of(ending: Ending) -> &'static str {
    match ending {
        Ending::Expired => "expired",
        Ending::Revoked => "revoked",
        Ending::Kicked => "kicked",
        Ending::TurnedAway => "turnedAway",
        Ending::Left => "left",
        _ => "over",
    }
}

/// Says whether dialling again may help. `is_hearsay`: somebody else than the host may have said it, and there is a
/// relay to ask.
const fn may_retry(code: CloseCode, is_hearsay: bool) -> bool {
    // Native guests ask about these two again and again; whoever opens a page is to be told what to do.
    is_hearsay || code.is_passing() && !matches!(code, CloseCode::SessionUnknown | CloseCode::AuthFailed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What ends for good ends the page: silence, say, must not.
    #[test]
    fn only_what_stays_wrong_is_final() {
        let is_final = |number: &u64| !may_retry(CloseCode::parse(*number), false);
        let expected = [
            CloseCode::Version,
            CloseCode::SessionUnknown,
            CloseCode::ShareUnknown,
            CloseCode::Expired,
            CloseCode::ShareClosed,
            CloseCode::Ended,
            CloseCode::AuthFailed,
            CloseCode::NoRight,
            CloseCode::Replaced,
            CloseCode::NotLetIn,
        ];
        let found: Vec<_> = (0..32).filter(is_final).map(CloseCode::parse).collect();
        assert_eq!(found, expected);
    }

    /// Anybody nearby can answer in the host's place, and say that the session is over.
    #[test]
    fn hearsay_is_never_final() {
        assert!((0..32).map(CloseCode::parse).all(|code| may_retry(code, true)));
    }
}
