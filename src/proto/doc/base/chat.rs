//! The base of a chat: its newest lines, page by page, under the numbers that they have.
//!
//! Always: a line that is taken over keeps author, number, time and text, and its place among the others. PROTOCOL.md 12.2.

use std::collections::{BTreeMap, HashMap};

use automerge::legacy::{ElementId, Key, ObjectId, OpId, OpType};
use automerge::{ObjType, ScalarValue};

use super::{Base, Scribe};
use crate::proto::doc::chat::Message;
use crate::proto::id::AuthorId;
use crate::proto::limits::CHAT_PAGE_MESSAGES_MAX;

/// Messages on a page.
const PAGE: u64 = CHAT_PAGE_MESSAGES_MAX as u64;
/// Operations of the genesis change.
const GENESIS_OPS: u64 = 1;

/// Returns the first page of each author that stays if the newest `lines` lines shall: pages stay or go as a whole.
pub(in crate::proto::doc) fn kept_lines(messages: &[Message], lines: usize) -> HashMap<AuthorId, u64> {
    let mut pages = HashMap::new();
    for line in messages.iter().skip(messages.len().saturating_sub(lines)) {
        let page = line.n / PAGE;
        pages.entry(line.author).and_modify(|first: &mut u64| *first = page.min(*first)).or_insert(page);
    }
    pages
}

/// Returns the base of the newest lines of a chat. `next` says which number each author's next line has, of all who have
/// made a page: who keeps none begins a new one, so that no number ever stands for two lines.
pub(in crate::proto::doc) fn write_chat(
    genesis: [u8; 32],
    messages: &[Message],
    first_pages: &HashMap<AuthorId, u64>,
    next: &BTreeMap<AuthorId, u64>,
) -> Base {
    let mut scribe = Scribe::new(genesis, GENESIS_OPS);
    for (author, n) in next.iter().filter(|(author, _)| !first_pages.contains_key(author)) {
        scribe.write_page(*author, n.div_ceil(PAGE));
    }
    let mut open: HashMap<AuthorId, (u64, ObjectId, ElementId)> = HashMap::new();
    for line in messages {
        let page = line.n / PAGE;
        if first_pages.get(&line.author).is_none_or(|first| page < *first) {
            continue;
        }
        if open.get(&line.author).is_none_or(|(open, ..)| *open != page) {
            let list = ObjectId::Id(scribe.write_page(line.author, page));
            open.insert(line.author, (page, list, ElementId::Head));
        }
        if let Some((_, list, last)) = open.get_mut(&line.author) {
            let value = OpType::Put(ScalarValue::Bytes(line.encode()));
            let written = scribe.write(line.author, list, Key::Seq(last.clone()), true, value);
            *last = ElementId::Id(written);
        }
    }
    scribe.finish()
}

impl Scribe {
    fn write_page(&mut self, author: AuthorId, page: u64) -> OpId {
        let key = Key::Map(format!("{author}/{page}").into());
        self.write(author, &ObjectId::Root, key, false, OpType::Make(ObjType::List))
    }
}
