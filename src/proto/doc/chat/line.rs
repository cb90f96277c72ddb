//! A line of chat as a change: the columns that Automerge would write for it.
//!
//! Always: the bytes are those of Automerge, so a chat document needs Automerge neither to write nor to judge a line,
//! and a hundred thousand lines cost no second copy in one.

use crate::proto::doc::chunk::{put_sleb, put_uleb};

/// Value type 7 of Automerge: bytes.
const TYPE_BYTES: u64 = 7;
/// A literal run of one and of two cells: −1 and −2 as signed LEB128.
const ONE: u8 = 0x7f;
const TWO: u8 = 0x7e;

/// Where a line goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::proto::doc) enum LinePlace {
    /// The change makes the list at this root key, and the line is its first.
    NewPage {
        /// The key.
        key: String,
        /// The change's first operation.
        list: u32,
    },
    /// At the begin of its author's last page, which is empty.
    FirstOf {
        /// The operation that made the list.
        list: u32,
    },
    /// After the last line of its author's last page.
    After {
        /// The operation that made the list.
        list: u32,
        /// The operation that inserted its last line.
        last: u32,
    },
}

impl LinePlace {
    /// Returns the columns of a change that puts the line here and does nothing else.
    pub(in crate::proto::doc) fn columns(&self, value: &[u8]) -> Vec<u8> {
        let mut value_length = Vec::new();
        put_uleb(&mut value_length, (value.len() as u64) << 4 | TYPE_BYTES);
        let number = |list: &u32| {
            let mut number = Vec::new();
            put_uleb(&mut number, (*list).into());
            number
        };
        match self {
            Self::NewPage { key, list } => {
                let mut keys = vec![ONE];
                put_uleb(&mut keys, key.len() as u64);
                // The line itself has no key in a map: a run of one null.
                let columns: [(u8, &[u8]); 9] = [
                    (0x01, &[0, 1, ONE, 0]),
                    (0x02, &[&[0, 1, ONE], &number(list)[..]].concat()),
                    (0x13, &[0, 1, ONE, 0]),
                    (0x15, &[&keys, key.as_bytes(), &[0, 1]].concat()),
                    (0x34, &[1, 1]),
                    (0x42, &[TWO, 2, 1]),
                    (0x56, &[&[TWO, 0], &value_length[..]].concat()),
                    (0x57, value),
                    (0x70, &[2, 0]),
                ];
                write(&columns)
            }
            Self::FirstOf { list } => {
                let columns: [(u8, &[u8]); 8] = [
                    (0x01, &[ONE, 0]),
                    (0x02, &[&[ONE], &number(list)[..]].concat()),
                    (0x13, &[ONE, 0]),
                    (0x34, &[0, 1]),
                    (0x42, &[ONE, 1]),
                    (0x56, &[&[ONE], &value_length[..]].concat()),
                    (0x57, value),
                    (0x70, &[ONE, 0]),
                ];
                write(&columns)
            }
            Self::After { list, last } => {
                let mut after = vec![ONE];
                put_sleb(&mut after, (*last).into());
                let columns: [(u8, &[u8]); 9] = [
                    (0x01, &[ONE, 0]),
                    (0x02, &[&[ONE], &number(list)[..]].concat()),
                    (0x11, &[ONE, 0]),
                    (0x13, &after),
                    (0x34, &[0, 1]),
                    (0x42, &[ONE, 1]),
                    (0x56, &[&[ONE], &value_length[..]].concat()),
                    (0x57, value),
                    (0x70, &[ONE, 0]),
                ];
                write(&columns)
            }
        }
    }
}

fn write(columns: &[(u8, &[u8])]) -> Vec<u8> {
    let mut out = vec![columns.len() as u8];
    for (kind, data) in columns {
        out.push(*kind);
        put_uleb(&mut out, data.len() as u64);
    }
    columns.iter().for_each(|(_, data)| out.extend_from_slice(data));
    out
}
