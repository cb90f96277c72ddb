//! A replica of one document without a session around it, so that tests can hold it to another build of Automerge.
//!
//! Not in the core that is shipped.

use crate::error;
use cahoots::proto::doc::{DocKind, Document, Draft};
use cahoots::proto::id::AuthorId;
use cahoots::proto::time::Wall;
use wasm_bindgen::prelude::*;

/// One replica of one document.
#[wasm_bindgen]
pub struct Replica(Document);

fn author(id: &[u8]) -> Result<AuthorId, JsError> {
    Ok(AuthorId(id.try_into().map_err(|_| error("an author's id has 16 bytes"))?))
}

#[wasm_bindgen]
impl Replica {
    /// Starts a replica of the chat, or else of the session's state.
    ///
    /// # Errors
    ///
    /// If `me` is no author's id.
    #[wasm_bindgen(constructor)]
    pub fn new(is_chat: bool, me: &[u8]) -> Result<Self, JsError> {
        let kind = if is_chat { DocKind::Chat } else { DocKind::State };
        Ok(Self(Document::new(kind, author(me)?)))
    }

    /// Returns the document in Automerge's file format.
    pub fn save(&self) -> Option<Vec<u8>> {
        self.0.save()
    }

    /// Returns the hashes of the changes that nothing builds on yet, ascending, in hex.
    pub fn heads(&self) -> Vec<String> {
        let hex = |head: &[u8; 32]| head.iter().map(|byte| format!("{byte:02x}")).collect();
        self.0.heads().iter().map(hex).collect()
    }

    /// Takes a change of somebody else.
    ///
    /// # Errors
    ///
    /// Why it is refused; the rest of its author's changes is, too.
    pub fn take(&mut self, by: &[u8], change: &[u8]) -> Result<bool, JsError> {
        self.0.handle_payload(author(by)?, bytes::Bytes::copy_from_slice(change));
        let applied = self.0.flush();
        match applied.refused.first() {
            Some(refusal) => Err(error(&refusal.reason)),
            None => Ok(applied.changed),
        }
    }

    /// Names the session. Returns the change, as all that edits does.
    ///
    /// # Errors
    ///
    /// Why it was not taken.
    #[wasm_bindgen(js_name = setTitle)]
    pub fn set_title(&mut self, title: &str) -> Result<Option<Vec<u8>>, JsError> {
        Ok(self.0.set_title(title).map_err(error)?.map(|change| change.to_vec()))
    }

    /// Edits the notes.
    ///
    /// # Errors
    ///
    /// Why it was not taken.
    #[wasm_bindgen(js_name = editNotes)]
    pub fn edit_notes(&mut self, position: usize, delete: usize, insert: &str) -> Result<Option<Vec<u8>>, JsError> {
        Ok(self.0.edit_notes(position, delete, insert).map_err(error)?.map(|change| change.to_vec()))
    }

    /// Says something in the chat.
    ///
    /// # Errors
    ///
    /// Why it was not taken.
    pub fn say(&mut self, text: &str, time_ms: f64) -> Result<Option<Vec<u8>>, JsError> {
        let said = self.0.say(&Draft::from(text), Wall(time_ms as u64)).map_err(error)?;
        Ok(said.map(|change| change.to_vec()))
    }

    /// Returns what the session is called.
    pub fn title(&self) -> String {
        self.0.state().title
    }

    /// Returns the notes.
    pub fn notes(&self) -> String {
        self.0.state().notes
    }

    /// Returns what was said, in order.
    pub fn said(&self) -> Vec<String> {
        self.0.messages().iter().map(|message| message.text.clone()).collect()
    }

    /// Returns a cursor that stays with the character at `position` of the notes.
    #[wasm_bindgen(js_name = notesCursor)]
    pub fn notes_cursor(&self, position: usize) -> Option<String> {
        self.0.notes_cursor(position)
    }

    /// Returns where a cursor is now.
    #[wasm_bindgen(js_name = notesPosition)]
    pub fn notes_position(&self, cursor: &str) -> Option<usize> {
        self.0.notes_position(cursor)
    }
}
