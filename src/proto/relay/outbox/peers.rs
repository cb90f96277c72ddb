//! Who has come and gone, as far as one connection has not heard of it yet.
//!
//! Always: no more notes than members that are here or that the connection was told of. Members come and go for ever.

use crate::proto::id::AuthorId;
use crate::proto::wire::Whereabouts;
use std::collections::BTreeMap;

/// What a connection is still to be told of a member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Note {
    /// It is here; it was not when the connection heard of it last, if ever.
    Came,
    /// It is gone; it was here when the connection heard of it last.
    Went,
    /// It is here again, after it had gone unheard.
    CameBack,
}

/// All such notes, one per member.
#[derive(Debug, Default)]
pub(super) struct PeerNotes(BTreeMap<AuthorId, Note>);

impl PeerNotes {
    /// Notes that a member has come or gone. Who came and went unheard leaves no note.
    pub(super) fn note(&mut self, author: AuthorId, whereabouts: Whereabouts) {
        let news = match (self.0.get(&author), whereabouts) {
            (Some(Note::Came), Whereabouts::Gone) => None,
            (None | Some(Note::Came), Whereabouts::Here) => Some(Note::Came),
            (Some(Note::Went | Note::CameBack), Whereabouts::Here) => Some(Note::CameBack),
            (None | Some(Note::Went | Note::CameBack), Whereabouts::Gone) => Some(Note::Went),
        };
        match news {
            Some(news) => drop(self.0.insert(author, news)),
            None => drop(self.0.remove(&author)),
        }
    }

    /// Takes one.
    pub(super) fn pop(&mut self) -> Option<(AuthorId, Whereabouts)> {
        let (author, note) = self.0.pop_first()?;
        let whereabouts = if note == Note::Went { Whereabouts::Gone } else { Whereabouts::Here };
        Some((author, whereabouts))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEN: AuthorId = AuthorId([2; 16]);

    fn told(happened: &[Whereabouts]) -> Vec<Whereabouts> {
        let mut notes = PeerNotes::default();
        happened.iter().for_each(|whereabouts| notes.note(BEN, *whereabouts));
        std::iter::from_fn(|| notes.pop()).map(|(_, whereabouts)| whereabouts).collect()
    }

    /// Who typed to a host that has gone and come back has to type again: coming back is news, a short visit is none.
    #[test]
    fn coming_back_is_told_and_a_visit_is_not() {
        use Whereabouts::{Gone, Here};
        assert_eq!(told(&[Here]), [Here]);
        assert_eq!(told(&[Here, Gone]), []);
        assert_eq!(told(&[Gone]), [Gone], "it was here before");
        assert_eq!(told(&[Gone, Here]), [Here]);
        assert_eq!(told(&[Gone, Here, Gone]), [Gone]);
        assert_eq!(told(&[Here, Gone, Here, Gone, Here]), [Here]);
    }
}
