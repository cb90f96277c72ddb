//! The core of the browser viewer: a guest's [`Peer`], driven by a page instead of sockets and a clock.
//!
//! bytes of a transport --`receive`--> [`Viewer`] --`pop`--> bytes back; `notices` --> what people see
//!
//! It decides nothing of its own: tokens, certificates, entries, documents and streams are checked by the very code
//! that native peers run. JavaScript brings time, randomness and a transport, and shows what comes out.

#[cfg(feature = "tests")]
pub mod crowd;
mod invitation;
mod notice;
mod owner;
#[cfg(feature = "tests")]
pub mod replica;
mod scene;
#[cfg(feature = "tests")]
#[expect(clippy::expect_used, clippy::panic, reason = "a test stops where its expectation fails")]
pub mod vectors;

pub use invitation::{PassphraseWords, read_link};

use cahoots::proto::doc::{CursorAt, Draft};
use cahoots::proto::id::{Channel, PaneId};
use cahoots::proto::session::{Event, LinkId, Peer};
use cahoots::proto::sorted::SortedMap;
use cahoots::proto::time::{Mono, Now, Wall};
use cahoots::proto::token::Link;
use cahoots::proto::wire::{CloseCode, FrameDecoder};
use notice::Notice;
use scene::Scene;
use serde::Serialize;
use std::fmt;
use wasm_bindgen::prelude::*;

/// Makes plain objects and byte arrays, as a page expects them.
fn to_js(value: &impl Serialize) -> Result<JsValue, JsError> {
    let serializer =
        serde_wasm_bindgen::Serializer::new().serialize_maps_as_objects(true).serialize_missing_as_null(true);
    Ok(value.serialize(&serializer)?)
}

fn error(cause: impl fmt::Display) -> JsError {
    JsError::new(&cause.to_string())
}

/// Returns where the width of characters changes: code points, each followed by the columns taken from there on.
#[wasm_bindgen]
pub fn columns() -> Vec<u32> {
    let (mut changes, mut last) = (Vec::new(), None);
    for character in '\0'..=char::MAX {
        let columns = cahoots::proto::terminal::columns(character);
        if last.replace(columns) != Some(columns) {
            changes.extend([u32::from(character), columns.into()]);
        }
    }
    changes
}

/// One guest in one session.
#[wasm_bindgen]
pub struct Viewer {
    peer: Peer,
    link: Link,
    decoders: SortedMap<LinkId, FrameDecoder>,
    links_ever: u64,
    /// The link that leads to who says to be the host, until that is proven.
    unproven: Option<LinkId>,
    now: Now,
}

#[wasm_bindgen]
impl Viewer {
    /// Prepares a guest of the session that `link` names. Nothing happens before a transport is open.
    ///
    /// `seed` is 32 bytes of the browser's random source, used once: all keys of this guest come from it. `words` is
    /// needed where [`read_link`] says so.
    ///
    /// # Errors
    ///
    /// A sentence for whoever pasted the link.
    #[wasm_bindgen(constructor)]
    pub fn new(link: &str, seed: &[u8], words: Option<PassphraseWords>) -> Result<Self, JsError> {
        let link = Link::parse(link).map_err(error)?;
        let hash = words.map(PassphraseWords::into_hash);
        let secret = link.token.secret_with(hash.as_ref()).map_err(error)?;
        let seed = seed.try_into().map_err(|_| error("a seed has 32 bytes"))?;
        let now = Now { mono: Mono(0), wall: Wall(0) };
        let decoders = SortedMap::new();
        Ok(Self { peer: Peer::guest(secret, seed), link, decoders, links_ever: 0, unproven: None, now })
    }

    /// Says what time it is: microseconds of a clock that never goes back, and milliseconds since 1970. Comes before
    /// everything else that is called then.
    #[wasm_bindgen(js_name = setTime)]
    pub fn set_time(&mut self, mono_us: f64, wall_ms: f64) {
        let mono = Mono((mono_us as u64).max(self.now.mono.0));
        self.now = Now { mono, wall: Wall(wall_ms as u64) };
    }

    /// Begins a link over a new transport and returns its number. `acceptor` says who it leads to, the same words
    /// whenever it leads there again; `exporter` is the connection's, if it has one.
    ///
    /// # Errors
    ///
    /// If `exporter` has not 32 bytes.
    #[wasm_bindgen(js_name = openLink)]
    pub fn open_link(&mut self, acceptor: &str, exporter: Option<Vec<u8>>) -> Result<u32, JsError> {
        let wrong = |_| error("an exporter has 32 bytes");
        let exporter: Option<[u8; 32]> = exporter.map(|bytes| bytes.try_into().map_err(wrong)).transpose()?;
        self.links_ever += 1;
        let link = LinkId(self.links_ever);
        self.decoders.insert(link, FrameDecoder::new());
        self.peer.handle_link_open(link, exporter, self.now);
        self.peer.name_link(link, cahoots::proto::verify::derive("acceptor", &[b"browser", acceptor.as_bytes()]));
        Ok(self.links_ever as u32)
    }

    /// Says of a link, just opened, that it leads to the host itself: another member there is taken for an impostor.
    #[wasm_bindgen(js_name = expectHost)]
    pub fn expect_host(&mut self, link: u32) {
        let link = LinkId(link.into());
        self.unproven = Some(link);
        self.peer.expect_host(link);
    }

    /// Takes bytes that a link's transport delivered.
    pub fn receive(&mut self, link: u32, bytes: &[u8]) {
        let link = LinkId(link.into());
        let Some(decoder) = self.decoders.get_mut(&link) else { return };
        decoder.push(bytes);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => self.peer.handle_frame(link, frame, self.now),
                Ok(None) => return,
                Err(_) => return self.peer.close_link(link, CloseCode::Protocol),
            }
        }
    }

    /// Takes up to `bytes_max` bytes, or one frame that is larger, for a link's transport. An empty array means that
    /// there is nothing to say now.
    pub fn pop(&mut self, link: u32, bytes_max: u32) -> Vec<u8> {
        let mut frames = Vec::new();
        self.peer.pop(LinkId(link.into()), bytes_max as usize, &mut frames);
        frames.concat()
    }

    /// Says whether a link is over once all that it still says was sent.
    #[wasm_bindgen(js_name = isClosing)]
    pub fn is_closing(&mut self, link: u32) -> bool {
        self.peer.pop(LinkId(link.into()), 0, &mut Vec::new()).close
    }

    /// Notes that a link's transport is gone.
    #[wasm_bindgen(js_name = closeLink)]
    pub fn close_link(&mut self, link: u32) {
        let link = LinkId(link.into());
        self.decoders.remove(&link);
        self.peer.handle_link_close(link, self.now);
    }

    /// Does what is due by now.
    pub fn tick(&mut self) {
        self.peer.handle_timeout(self.now);
    }

    /// Returns when [`tick`](Self::tick) is due next, in microseconds of the steady clock.
    pub fn deadline(&self) -> Option<f64> {
        self.peer.poll_timeout().map(|at| at.0 as f64)
    }

    /// Returns what happened since the last call, oldest first: an array of [`Notice`]s.
    ///
    /// # Errors
    ///
    /// Only if the engine's memory is at its end.
    pub fn notices(&mut self) -> Result<JsValue, JsError> {
        let mut notices = Vec::new();
        while let Some(event) = self.peer.poll_event() {
            if let Event::Linked(link) = &event {
                self.unproven.take_if(|unproven| unproven == link);
            }
            notices.extend(Notice::of(event, self));
        }
        to_js(&notices)
    }

    /// Returns who is here and what the session looks like.
    ///
    /// # Errors
    ///
    /// As [`notices`](Self::notices).
    pub fn scene(&self) -> Result<JsValue, JsError> {
        to_js(&Scene::of(&self.peer, self.now))
    }

    /// Returns the chat from message `from` on.
    ///
    /// # Errors
    ///
    /// As [`notices`](Self::notices).
    pub fn messages(&self, from: u32) -> Result<JsValue, JsError> {
        let messages = self.peer.messages().iter().skip(from as usize);
        to_js(&messages.map(|message| scene::Line::of(&self.peer, message)).collect::<Vec<_>>())
    }

    /// Returns how long a link's round trip takes, in milliseconds, once measured.
    pub fn rtt(&self, link: u32) -> Option<f64> {
        self.peer.rtt_us(LinkId(link.into())).map(|us| us as f64 / 1_000.0)
    }

    /// Starts to watch a pane.
    pub fn watch(&mut self, pane: u16) {
        self.peer.watch(PaneId(pane));
    }

    /// Stops watching a pane.
    pub fn unwatch(&mut self, pane: u16) {
        self.peer.unwatch(PaneId(pane));
    }

    /// Watches a pane anew, from its newest screen on, without the lines above it.
    #[wasm_bindgen(js_name = skipAhead)]
    pub fn skip_ahead(&mut self, pane: u16) {
        self.peer.skip_ahead(PaneId(pane));
    }

    /// Types into a pane.
    ///
    /// # Errors
    ///
    /// Why nothing was sent.
    #[wasm_bindgen(js_name = typeBytes)]
    pub fn type_bytes(&mut self, pane: u16, bytes: &[u8]) -> Result<(), JsError> {
        self.peer.type_bytes(PaneId(pane), bytes).map_err(error)
    }

    /// Asks to drive a pane.
    ///
    /// # Errors
    ///
    /// Why nothing was asked.
    #[wasm_bindgen(js_name = askToDrive)]
    pub fn ask_to_drive(&mut self, pane: u16) -> Result<(), JsError> {
        self.peer.ask_to_drive(PaneId(pane), self.now).map_err(error)
    }

    /// Lets go of a pane that this guest drives.
    ///
    /// # Errors
    ///
    /// Why it could not.
    #[wasm_bindgen(js_name = stopDriving)]
    pub fn stop_driving(&mut self, pane: u16) -> Result<(), JsError> {
        self.peer.stop_driving(PaneId(pane), self.now).map_err(error)
    }

    /// Says something in the chat.
    ///
    /// # Errors
    ///
    /// Why it was not taken.
    pub fn say(&mut self, text: &str) -> Result<(), JsError> {
        self.peer.say(&Draft::from(text), self.now).map_err(error)
    }

    /// Edits the shared notes: at character `position`, `delete` characters go and `insert` comes.
    ///
    /// # Errors
    ///
    /// Why it was not taken.
    #[wasm_bindgen(js_name = editNotes)]
    pub fn edit_notes(&mut self, position: u32, delete: u32, insert: &str) -> Result<(), JsError> {
        self.peer.edit_notes(position as usize, delete as usize, insert).map_err(error)
    }

    /// Sets what others see of this guest: name and colour.
    pub fn introduce(&mut self, name: &str, colour: u8) {
        self.peer.present(|presence| {
            name.clone_into(&mut presence.name);
            presence.colour = colour;
        });
    }

    /// Shows others where this guest points; without a pane it points nowhere.
    pub fn point(&mut self, pane: Option<u16>, row: u16, col: u16) {
        self.peer.point_at(pane.map(|pane| CursorAt { pane: PaneId(pane), row, col }));
    }

    /// Shows others where in the notes this guest writes: before this character. Without one it is nowhere.
    #[wasm_bindgen(js_name = pointInNotes)]
    pub fn point_in_notes(&mut self, position: Option<u32>) {
        let notes = self.peer.document(Channel::STATE);
        let cursor = position.and_then(|position| notes?.notes_cursor(position as usize));
        self.peer.present(|presence| presence.notes_cursor = cursor);
    }

    /// Shows others which pane this guest looks at.
    pub fn focus(&mut self, pane: Option<u16>) {
        self.peer.focus(pane.map(PaneId));
    }

    /// Shows others that this guest is typing, or is not any more.
    #[wasm_bindgen(js_name = setTyping)]
    pub fn set_typing(&mut self, typing: bool) {
        self.peer.present(|presence| presence.typing = typing);
    }

    /// Leaves: the goodbye is to be sent on every link that is open.
    pub fn leave(&mut self) {
        self.peer.leave(self.now);
    }

    /// Returns the link that this guest came by, whole: whoever sees it can join.
    pub fn link(&self) -> String {
        self.link.reveal()
    }
}

impl Viewer {
    /// Says whether what a link's other side says may be somebody else's word than the host's, and a relay could be asked.
    fn is_hearsay(&self, link: LinkId) -> bool {
        self.unproven == Some(link) && self.link.relay.is_some()
    }
}
