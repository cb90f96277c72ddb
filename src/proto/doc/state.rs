//! The state document: title, panes, notes, settings, and who drives which pane.
//!
//! edits --`Tx`--> one change; Automerge --`Document::state`--> [`StateView`]
//!
//! Always: reading tolerates whatever a member with the right to write may have put there. PROTOCOL.md 12.

use std::collections::BTreeMap;

use automerge::transaction::Transactable;
use automerge::{ActorId, Automerge, AutomergeError, Cursor, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value};
use bytes::Bytes;

use super::edit::{EditError, Tx};
use super::gate::GENESIS_AUTHOR;
use super::{DocKind, Document};
use crate::proto::id::{AuthorId, PaneId};
use crate::proto::limits::{COLS, DURABLE_PAYLOAD_BYTES_MAX, KEY_BYTES_MAX, PANES_MAX, ROWS, TITLE_BYTES_MAX};

/// Longest value, in bytes of UTF-8: leaves room for the rest of its change.
const VALUE_BYTES_MAX: usize = DURABLE_PAYLOAD_BYTES_MAX - 5_000;

/// Whether a pane's program runs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PaneStatus {
    /// It runs.
    #[default]
    Running,
    /// It has ended.
    Exited {
        /// Its exit status.
        code: i32,
    },
}

impl PaneStatus {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("exited ") {
            Some(code) => code.parse().ok().map(|code| Self::Exited { code }),
            None => (text == "running").then_some(Self::Running),
        }
    }

    fn write(self) -> String {
        match self {
            Self::Running => "running".into(),
            Self::Exited { code } => format!("exited {code}"),
        }
    }
}

/// Whose keys reach a pane's program, as everybody is shown it; the host alone decides.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PanePolicy {
    /// Those of everybody who may type.
    #[default]
    Everybody,
    /// Those of one member at a time.
    OneDriver,
    /// Lines that the owner has read and let pass.
    ApprovedLines,
}

impl PanePolicy {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "all" => Some(Self::Everybody),
            "one" => Some(Self::OneDriver),
            "line" => Some(Self::ApprovedLines),
            _ => None,
        }
    }

    const fn write(self) -> &'static str {
        match self {
            Self::Everybody => "all",
            Self::OneDriver => "one",
            Self::ApprovedLines => "line",
        }
    }
}

/// A terminal of the session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PaneInfo {
    /// What its program calls itself.
    pub title: String,
    /// What was started in it.
    pub command: String,
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
    /// Whether the program runs.
    pub status: PaneStatus,
}

impl Default for PaneInfo {
    fn default() -> Self {
        Self { title: String::new(), command: String::new(), cols: 80, rows: 24, status: PaneStatus::Running }
    }
}

/// What the state document says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StateView {
    /// The session's title.
    pub title: String,
    /// How the size of shared panes is chosen.
    pub size_policy: String,
    /// The panes.
    pub panes: BTreeMap<PaneId, PaneInfo>,
    /// The shared notes.
    pub notes: String,
    /// Values of applications, JSON by key.
    pub app: BTreeMap<String, String>,
    /// Whose keys reach which pane; a pane that is not listed takes those of everybody.
    pub policies: BTreeMap<PaneId, PanePolicy>,
    /// Who drives which pane.
    pub drivers: BTreeMap<PaneId, AuthorId>,
}

/// Policies and drivers of panes.
type Driving = (BTreeMap<PaneId, PanePolicy>, BTreeMap<PaneId, AuthorId>);

/// Returns the object that operation `counter` of the genesis change made.
fn genesis_object(counter: u64) -> ObjId {
    ObjId::Id(counter, ActorId::from(GENESIS_AUTHOR.0), 0)
}

pub(super) fn panes() -> ObjId {
    genesis_object(1)
}

pub(super) fn notes() -> ObjId {
    genesis_object(2)
}

pub(super) fn app() -> ObjId {
    genesis_object(3)
}

pub(super) fn drivers() -> ObjId {
    genesis_object(4)
}

/// Parses the key of a pane: decimal, without leading zeros.
fn parse_pane(key: &str) -> Option<PaneId> {
    let pane: u16 = key.parse().ok()?;
    (pane < PANES_MAX && pane.to_string() == key).then_some(PaneId(pane))
}

fn parse_size(text: &str) -> Option<(u16, u16)> {
    let (cols, rows) = text.split_once('x')?;
    let (cols, rows) = (cols.parse().ok()?, rows.parse().ok()?);
    (COLS.contains(&cols) && ROWS.contains(&rows)).then_some((cols, rows))
}

fn str_at(doc: &impl ReadDoc, object: &ObjId, key: &str) -> Result<Option<String>, AutomergeError> {
    Ok(doc.get(object, key)?.and_then(|(value, _)| value.as_str().map(str::to_owned)))
}

/// Cuts what nobody of ours would have written so long.
fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TITLE_BYTES_MAX));
    text
}

fn read_pane(doc: &Automerge, pane: &ObjId) -> Result<PaneInfo, AutomergeError> {
    let field = |key| str_at(doc, pane, key);
    let PaneInfo { cols, rows, .. } = PaneInfo::default();
    let (cols, rows) = field("size")?.and_then(|size| parse_size(&size)).unwrap_or((cols, rows));
    Ok(PaneInfo {
        title: cut(field("title")?.unwrap_or_default()),
        command: cut(field("command")?.unwrap_or_default()),
        cols,
        rows,
        status: field("status")?.and_then(|status| PaneStatus::parse(&status)).unwrap_or_default(),
    })
}

fn pane_objects(doc: &Automerge) -> Result<Vec<(PaneId, ObjId)>, AutomergeError> {
    let mut objects = Vec::new();
    for key in doc.keys(panes()) {
        if let (Some(pane), Some((Value::Object(ObjType::Map), object))) = (parse_pane(&key), doc.get(panes(), &*key)?)
        {
            objects.push((pane, object));
        }
    }
    Ok(objects)
}

/// Reads whose keys reach which pane, and who drives it.
fn read_driving(doc: &Automerge) -> Result<Driving, AutomergeError> {
    let (mut policies, mut wheels) = Driving::default();
    for (pane, object) in pane_objects(doc)? {
        let policy = str_at(doc, &object, "policy")?.and_then(|policy| PanePolicy::parse(&policy));
        policies.extend(policy.map(|policy| (pane, policy)));
    }
    for key in doc.keys(drivers()) {
        let driver = str_at(doc, &drivers(), &key)?.and_then(|driver| AuthorId::parse(&driver));
        wheels.extend(parse_pane(&key).zip(driver));
    }
    Ok((policies, wheels))
}

fn read_state(doc: &Automerge) -> Result<StateView, AutomergeError> {
    let mut state = StateView {
        title: cut(str_at(doc, &ROOT, "title")?.unwrap_or_default()),
        size_policy: cut(str_at(doc, &ROOT, "size_policy")?.unwrap_or_default()),
        notes: doc.text(notes())?,
        ..StateView::default()
    };
    for (pane, object) in pane_objects(doc)? {
        state.panes.insert(pane, read_pane(doc, &object)?);
    }
    (state.policies, state.drivers) = read_driving(doc)?;
    for key in doc.keys(app()) {
        if let Some(json) = str_at(doc, &app(), &key)? {
            state.app.insert(key, json);
        }
    }
    Ok(state)
}

fn expect_bytes(what: &'static str, bytes: usize, bytes_max: usize) -> Result<(), EditError> {
    if bytes > bytes_max { Err(EditError::TooLong { what, bytes, bytes_max }) } else { Ok(()) }
}

/// Edits of the state document. What is there already is not written again.
impl Tx<'_> {
    /// Sets the session's title.
    ///
    /// # Errors
    ///
    /// [`EditError::TooLong`] over 256 bytes, [`EditError::Kind`] in the other document.
    pub fn set_title(&mut self, title: &str) -> Result<(), EditError> {
        expect_bytes("title", title.len(), TITLE_BYTES_MAX)?;
        self.put(&ROOT, "title", Some(title))
    }

    /// Sets how the size of shared panes is chosen.
    ///
    /// # Errors
    ///
    /// [`EditError::TooLong`] over 256 bytes, [`EditError::Kind`] in the other document.
    pub fn set_size_policy(&mut self, policy: &str) -> Result<(), EditError> {
        expect_bytes("size policy", policy.len(), TITLE_BYTES_MAX)?;
        self.put(&ROOT, "size_policy", Some(policy))
    }

    /// Adds a pane or changes what differs.
    ///
    /// # Errors
    ///
    /// [`EditError::TooLong`] for a title or command over 256 bytes, [`EditError::Kind`] in the other document.
    pub fn set_pane(&mut self, pane: PaneId, info: &PaneInfo) -> Result<(), EditError> {
        expect_bytes("title", info.title.len(), TITLE_BYTES_MAX)?;
        expect_bytes("command", info.command.len(), TITLE_BYTES_MAX)?;
        self.expect_kind()?;
        let key = pane.to_string();
        let object = match self.raw.get(panes(), &*key)? {
            Some((Value::Object(ObjType::Map), object)) => object,
            _ => self.raw.put_object(panes(), &*key, ObjType::Map)?,
        };
        self.put(&object, "title", Some(&info.title))?;
        self.put(&object, "command", Some(&info.command))?;
        self.put(&object, "size", Some(&format!("{}x{}", info.cols, info.rows)))?;
        self.put(&object, "status", Some(&info.status.write()))
    }

    /// Says whose keys reach a pane that was added before.
    ///
    /// # Errors
    ///
    /// [`EditError::Kind`] in the other document.
    pub fn set_policy(&mut self, pane: PaneId, policy: PanePolicy) -> Result<(), EditError> {
        self.expect_kind()?;
        match self.raw.get(panes(), pane.to_string())? {
            Some((Value::Object(ObjType::Map), object)) => self.put(&object, "policy", Some(policy.write())),
            _ => Ok(()),
        }
    }

    /// Takes a pane away.
    ///
    /// # Errors
    ///
    /// [`EditError::Kind`] in the other document.
    pub fn remove_pane(&mut self, pane: PaneId) -> Result<(), EditError> {
        self.put(&panes(), &pane.to_string(), None)?;
        self.put(&drivers(), &pane.to_string(), None)
    }

    /// Sets or clears a value of an application.
    ///
    /// # Errors
    ///
    /// [`EditError::TooLong`] for a key over 256 or a value over 60,000 bytes, [`EditError::Kind`] in the other document.
    pub fn set_app(&mut self, key: &str, json: Option<&str>) -> Result<(), EditError> {
        expect_bytes("key", key.len(), KEY_BYTES_MAX)?;
        expect_bytes("value", json.map_or(0, str::len), VALUE_BYTES_MAX)?;
        self.put(&app(), key, json)
    }

    /// Says who drives a pane, if anybody.
    ///
    /// # Errors
    ///
    /// [`EditError::Kind`] in the other document.
    pub fn set_driver(&mut self, pane: PaneId, driver: Option<AuthorId>) -> Result<(), EditError> {
        self.put(&drivers(), &pane.to_string(), driver.map(|driver| driver.to_string()).as_deref())
    }

    /// Replaces `delete` code points of the notes at `position` by `insert`.
    ///
    /// # Errors
    ///
    /// [`EditError::Position`] beyond the end, [`EditError::Kind`] in the other document.
    pub fn edit_notes(&mut self, position: usize, delete: usize, insert: &str) -> Result<(), EditError> {
        self.expect_kind()?;
        let length = self.raw.length(notes());
        let end = position.saturating_add(delete);
        if end > length {
            return Err(EditError::Position { position: end, length });
        }
        // A change too large is refused before Automerge spends time on it.
        super::view::expect_ops(delete.saturating_add(insert.chars().count()))?;
        Ok(self.raw.splice_text(notes(), position, delete as isize, insert)?)
    }

    fn expect_kind(&self) -> Result<(), EditError> {
        if self.kind == DocKind::State { Ok(()) } else { Err(EditError::Kind { found: self.kind }) }
    }

    fn put(&mut self, object: &ObjId, key: &str, value: Option<&str>) -> Result<(), EditError> {
        self.expect_kind()?;
        let there = self.raw.get(object, key)?;
        match (there, value) {
            (None, None) => Ok(()),
            (Some(_), None) => Ok(self.raw.delete(object, key)?),
            (Some((Value::Scalar(there), _)), Some(value)) if there.as_str() == Some(value) => Ok(()),
            (_, Some(value)) => Ok(self.raw.put(object, key, ScalarValue::Str(value.into()))?),
        }
    }
}

/// Reading the state document, and edits of one thing each.
impl Document {
    /// Reads all of it. An empty view in a chat document.
    #[must_use]
    pub fn state(&self) -> StateView {
        self.read(read_state).unwrap_or_default()
    }

    fn read<R>(&self, read: impl FnOnce(&Automerge) -> Result<R, AutomergeError>) -> Option<R> {
        self.view.as_ref()?.read(read).ok()
    }

    /// Reads whose keys reach which pane, and who drives it, and nothing else.
    pub(crate) fn driving(&self) -> Driving {
        self.read(read_driving).unwrap_or_default()
    }

    /// Returns a name for the place before the notes' code point at `position` that stays with the text as others edit.
    #[must_use]
    pub fn notes_cursor(&self, position: usize) -> Option<String> {
        let read = |doc: &Automerge| {
            if position >= doc.length(notes()) {
                return Ok(Cursor::End.to_string());
            }
            doc.get_cursor(notes(), position, None).map(|cursor| cursor.to_string())
        };
        self.read(read)
    }

    /// Returns where the place is now, in code points. A name that means nothing here gives `None`.
    #[must_use]
    pub fn notes_position(&self, cursor: &str) -> Option<usize> {
        // Automerge's parser slices at byte 1 without looking.
        if cursor.is_empty() || !cursor.is_ascii() {
            return None;
        }
        let read = |doc: &Automerge| doc.get_cursor_position(notes(), &Cursor::try_from(cursor)?, None);
        self.read(read)
    }

    /// As [`Tx::set_title`], in a change of its own.
    ///
    /// # Errors
    ///
    /// As there, and as [`Document::edit`].
    pub fn set_title(&mut self, title: &str) -> Result<Option<Bytes>, EditError> {
        self.edit(|tx| tx.set_title(title))
    }

    /// As [`Tx::set_pane`], in a change of its own.
    ///
    /// # Errors
    ///
    /// As there, and as [`Document::edit`].
    pub fn set_pane(&mut self, pane: PaneId, info: &PaneInfo) -> Result<Option<Bytes>, EditError> {
        self.edit(|tx| tx.set_pane(pane, info))
    }

    /// As [`Tx::remove_pane`], in a change of its own.
    ///
    /// # Errors
    ///
    /// As there, and as [`Document::edit`].
    pub fn remove_pane(&mut self, pane: PaneId) -> Result<Option<Bytes>, EditError> {
        self.edit(|tx| tx.remove_pane(pane))
    }

    /// As [`Tx::set_app`] with a value, in a change of its own.
    ///
    /// # Errors
    ///
    /// As there, and as [`Document::edit`].
    pub fn set_app(&mut self, key: &str, json: &str) -> Result<Option<Bytes>, EditError> {
        self.edit(|tx| tx.set_app(key, Some(json)))
    }

    /// As [`Tx::edit_notes`], in a change of its own.
    ///
    /// # Errors
    ///
    /// As there, and as [`Document::edit`].
    pub fn edit_notes(&mut self, position: usize, delete: usize, insert: &str) -> Result<Option<Bytes>, EditError> {
        self.edit(|tx| tx.edit_notes(position, delete, insert))
    }
}
