//! What somebody can read with all that it ever had: every key is tried on everything that was heard.
//!
//! frames heard + secrets held --`study`--> more secrets, until there are none --`read`--> what opens
//!
//! Always: this opens entries by PROTOCOL.md alone and asks nobody's right to do so. What it does not open, its holder
//! cannot read, short of breaking a cipher.

use cahoots::proto::authlog::{AuthLog, Record};
use cahoots::proto::epoch::{open_wrap, wrap_recipient};
use cahoots::proto::id::{AuthorId, Channel, Class, LaneId, SessionId};
use cahoots::proto::key::{MemberKeys, Secret32, ShareSecret, derive};
use cahoots::proto::lane::verify::{entry_digest, starts_keyframe};
use cahoots::proto::member::{Chain, VerifiedMember};
use cahoots::proto::seal::DirectHost;
use cahoots::proto::wire::{Frame, WireEntry};
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use std::collections::{BTreeMap, BTreeSet};

/// An entry that opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Opened {
    pub(crate) lane: LaneId,
    pub(crate) seq: u64,
    pub(crate) plaintext: Vec<u8>,
}

/// Everything one party knows that may open something.
#[derive(Clone)]
pub(crate) struct Keyring {
    session: SessionId,
    /// Share KEKs, member KEKs, epoch secrets, lane keys: each is tried as each.
    secrets: BTreeSet<[u8; 32]>,
    members: Vec<(AuthorId, MemberKeys)>,
}

impl Keyring {
    /// Starts with nothing, as a relay does.
    pub(crate) const fn empty(session: SessionId) -> Self {
        Self { session, secrets: BTreeSet::new(), members: Vec::new() }
    }

    /// Adds what the holder of a token has.
    pub(crate) fn with_share(mut self, secret: &ShareSecret) -> Self {
        self.secrets.insert(*secret.kek().expose());
        self
    }

    /// Adds a secret of any kind.
    pub(crate) fn with_secret(mut self, secret: [u8; 32]) -> Self {
        self.secrets.insert(secret);
        self
    }

    /// Adds a member's private keys.
    pub(crate) fn with_member(mut self, author: AuthorId, keys: MemberKeys) -> Self {
        self.members.push((author, keys));
        self
    }

    /// Takes every 32 bytes in a row of all that is said in the clear for a secret: if one of them is, this finds it.
    pub(crate) fn with_all_that_is_public(mut self, frames: &[Frame]) -> Self {
        for frame in frames.iter().filter(|frame| !matches!(frame, Frame::Entry(_))) {
            self.secrets.extend(frame.encode().windows(32).map(|window| <[u8; 32]>::try_from(window).unwrap()));
        }
        self
    }

    /// Returns all secrets that are no member's own keys.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.secrets.iter()
    }

    /// Opens every wrap that opens, with what came out of others too, and returns how many did.
    pub(crate) fn study(&mut self, frames: &[Frame]) -> usize {
        let wraps: BTreeSet<_> = frames.iter().filter_map(wrap_of).collect();
        let commits = commits(self.session, frames);
        let mut opened = BTreeSet::new();
        loop {
            let before = opened.len();
            for wrap in &wraps {
                for kek in self.secrets.iter().map(|bytes| Secret32::from_bytes(*bytes)) {
                    let secrets = commits.iter().filter_map(|commit| open_wrap(wrap, &kek, &self.session, commit).ok());
                    opened.extend(secrets.map(|secret| *secret.expose()));
                }
            }
            self.secrets.extend(&opened);
            if opened.len() == before {
                return opened.len();
            }
        }
    }

    /// Opens every entry that opens.
    pub(crate) fn read(&self, frames: &[Frame]) -> Vec<Opened> {
        let heard = Heard::new(self.session, frames);
        let direct = self.read_direct(&heard, frames);
        let others = heard.entries.iter().filter_map(|(entry, prev)| {
            let plaintext = self.open(entry, prev)?;
            Some(Opened { lane: entry.lane, seq: entry.seq, plaintext })
        });
        direct.into_iter().chain(others).collect()
    }

    fn open(&self, entry: &WireEntry, prev: &[u8; 32]) -> Option<Vec<u8>> {
        let header = entry.header(&self.session, prev);
        let channel = entry.lane.channel.number().to_le_bytes();
        let prefixes: &[usize] = if entry.lane.channel.class() == Class::Direct { &[0, 16, 32] } else { &[0] };
        self.secrets.iter().find_map(|secret| {
            let derived = derive("entry key", &[secret, entry.lane.author.as_bytes(), &channel]);
            [derived, *secret].iter().find_map(|key| prefixes.iter().find_map(|n| open(key, &header, entry, *n)))
        })
    }

    /// Opens what is sealed to one of the members whose private keys are here.
    fn read_direct(&self, heard: &Heard, frames: &[Frame]) -> Vec<Opened> {
        let guests = members(self.session, frames);
        let mut opened = Vec::new();
        for (host, keys) in &self.members {
            for guest in guests.values() {
                let typed = heard.entries.iter().map(|(entry, _)| entry);
                let mut typed: Vec<_> = typed
                    .filter(|entry| entry.lane.channel == Channel::TO_HOST && entry.lane.author == guest.author())
                    .collect();
                typed.sort_by_key(|entry| entry.seq);
                let Some(first) = typed.first() else { continue };
                let Ok((mut direct, plaintext)) = DirectHost::accept(self.session, keys, *host, guest, first) else {
                    continue;
                };
                opened.push(Opened { lane: first.lane, seq: 0, plaintext });
                for entry in &typed[1..] {
                    let plaintext = direct.open(entry).ok();
                    opened.extend(plaintext.map(|plaintext| Opened { lane: entry.lane, seq: entry.seq, plaintext }));
                }
            }
        }
        opened
    }
}

/// Opens a body whose first `prefix_bytes` are in the clear.
fn open(key: &[u8; 32], header: &[u8; 84], entry: &WireEntry, prefix_bytes: usize) -> Option<Vec<u8>> {
    let (prefix, sealed) = entry.body().split_at_checked(prefix_bytes)?;
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&entry.seq.to_le_bytes());
    let aad = [header, prefix].concat();
    ChaCha20Poly1305::new(key.into()).decrypt(&nonce.into(), Payload { msg: sealed, aad: &aad }).ok()
}

/// Everything sealed that was heard, each entry once, with the digest that its header names.
struct Heard {
    entries: Vec<(WireEntry, [u8; 32])>,
}

impl Heard {
    fn new(session: SessionId, frames: &[Frame]) -> Self {
        let mut entries = Vec::new();
        let mut digests: BTreeMap<(LaneId, u64), [u8; 32]> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for raw in frames.iter().filter_map(|frame| if let Frame::Entry(raw) = frame { Some(raw) } else { None }) {
            let Ok(entry) = WireEntry::decode(raw.clone()) else { continue };
            if !seen.insert(raw.clone()) {
                continue;
            }
            let (lane, seq) = (entry.lane, entry.seq);
            let is_chained = matches!(lane.channel.class(), Class::Durable | Class::Live);
            let is_chained = is_chained && !starts_keyframe(lane.channel, entry.kind);
            let before = seq.checked_sub(1).and_then(|before| digests.get(&(lane, before)));
            let prev = before.filter(|_| is_chained).copied().unwrap_or_default();
            digests.insert((lane, seq), entry_digest(&entry.header(&session, &prev), entry.body()));
            entries.push((entry, prev));
        }
        Self { entries }
    }
}

/// Returns the commitments to the secrets of all epochs that the auth log in `frames` tells of.
fn commits(session: SessionId, frames: &[Frame]) -> BTreeSet<[u8; 32]> {
    let mut log = AuthLog::new(session);
    let mut commits = BTreeSet::new();
    for raw in frames.iter().filter_map(|frame| if let Frame::Log(raw) = frame { Some(raw) } else { None }) {
        if let Ok(Record::Epoch { commit, .. }) = log.append(raw.clone()) {
            commits.insert(commit);
        }
    }
    commits
}

/// Returns a wrap, but not one that is nobody's.
fn wrap_of(frame: &Frame) -> Option<bytes::Bytes> {
    match frame {
        Frame::Wrap(raw) if wrap_recipient(raw).is_some() => Some(raw.clone()),
        Frame::Share(passed_on) => Some(passed_on.wrap.clone()),
        _ => None,
    }
}

/// Returns everybody whose chain was shown and holds.
pub(crate) fn members(session: SessionId, frames: &[Frame]) -> BTreeMap<AuthorId, VerifiedMember> {
    let chains = frames.iter().filter_map(|frame| match frame {
        Frame::Member(raw) => Chain::decode(raw).ok(),
        Frame::Auth(auth) => Chain::decode(&auth.chain).ok(),
        _ => None,
    });
    chains.filter_map(|chain| chain.verify(&session).ok()).map(|member| (member.author(), member)).collect()
}
