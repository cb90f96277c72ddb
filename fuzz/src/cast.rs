//! The people and keys of `tests/vectors`, so that its bytes are seeds that get past the signatures.

use bytes::Bytes;
use cahoots::proto::epoch::EpochSecret;
use cahoots::proto::id::{AuthorId, LaneId, SessionId};
use cahoots::proto::key::{MemberKeys, SessionRoot, ShareSecret};
use cahoots::proto::lane::verify::entry_digest;
use cahoots::proto::member::{Chain, MemberCert, VerifiedMember};
use cahoots::proto::share::{Rights, ShareCert, ShareFlags, ShareTerms};
use cahoots::proto::time::Wall;
use cahoots::proto::verify::derive;
use cahoots::proto::wire::{WireEntry, header};
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};

/// When the session of the vectors starts, in milliseconds.
pub(crate) const START: u64 = 1_800_000_000_000;
const HOUR: u64 = 3_600_000;

pub(crate) fn root() -> SessionRoot {
    SessionRoot::from_seed(run(0))
}

pub(crate) fn session() -> SessionId {
    root().session_id()
}

pub(crate) fn epoch_secret() -> EpochSecret {
    EpochSecret::from_bytes(run(0x90))
}

/// The share whose seed counts up from `first`.
pub(crate) fn share(first: u8) -> ShareSecret {
    let flags = if first == 0x40 { ShareFlags::PUBLIC } else { ShareFlags::NONE };
    ShareSecret::new(&session(), run(first), flags, None)
}

/// The member whose seed counts up from `first`.
pub(crate) fn member(first: u8) -> MemberKeys {
    MemberKeys::from_seed(run(first))
}

/// The host, with the own share.
pub(crate) fn ada_chain() -> Chain {
    chain(0x20, 0x80, Rights::OWN, 3, 24, 0)
}

/// A guest, with the interact share.
pub(crate) fn ben_chain() -> Chain {
    chain(0x30, 0xa0, Rights::INTERACT, 0, 4, 16)
}

pub(crate) fn ada() -> AuthorId {
    ada_chain().member.author()
}

pub(crate) fn ben() -> AuthorId {
    ben_chain().member.author()
}

/// The keys of the host, 0, or the guest, 1.
pub(crate) fn keys_of(who: usize) -> MemberKeys {
    member(if who == 0 { 0x80 } else { 0xa0 })
}

/// Everybody: host, two guests with one share, one whose share was passed on, one who has to be let in, and one below.
pub(crate) fn people() -> Vec<VerifiedMember> {
    let [ada, ben] = [ada_chain(), ben_chain()];
    let hal = Chain { member: member_of(&share(0x30), 0xc1, Rights::INTERACT), shares: ben.shares.clone() };
    let porch = ShareCert::issue_root(
        &root(),
        &share(0x10),
        terms(Rights::INTERACT.union(Rights::DELEGATE), 1, ShareFlags::APPROVE),
    );
    let cleo = below(&ada.shares[0], 0x20, 0x50, 0xc0);
    let gus = below(&porch, 0x10, 0x18, 0xa1);
    let fay = Chain { member: member_of(&share(0x10), 0x81, Rights::INTERACT), shares: vec![porch] };
    let verified = |chain: Chain| chain.verify(&session()).expect("the chain holds");
    [ada, ben, hal, cleo, fay, gus].into_iter().map(verified).collect()
}

/// A chain to a member of a share that was passed on once.
pub(crate) fn below(parent: &ShareCert, holder: u8, seed: u8, member_seed: u8) -> Chain {
    let secret = share(seed);
    let terms = terms(Rights::INTERACT, 0, ShareFlags::NONE);
    let leaf = ShareCert::issue_below(parent, &share(holder), &secret, terms);
    Chain { member: member_of(&secret, member_seed, Rights::INTERACT), shares: vec![leaf, parent.clone()] }
}

fn terms(rights: Rights, depth_left: u8, flags: ShareFlags) -> ShareTerms {
    ShareTerms { rights, depth_left, not_before: Wall(START), expires: Wall(START + HOUR), max_members: 0, flags }
}

fn member_of(secret: &ShareSecret, seed: u8, rights: Rights) -> MemberCert {
    MemberCert::issue(secret, &member(seed), rights, Wall(START), Wall(START + HOUR))
}

fn chain(share_seed: u8, member_seed: u8, rights: Rights, depth_left: u8, hours: u64, max_members: u32) -> Chain {
    let (secret, not_before, expires) = (share(share_seed), Wall(START), Wall(START + hours * HOUR));
    let flags = ShareFlags::NONE;
    let terms = ShareTerms { rights, depth_left, not_before, expires, max_members, flags };
    let member = MemberCert::issue(&secret, &member(member_seed), rights, not_before, expires);
    Chain { member, shares: vec![ShareCert::issue_root(&root(), &secret, terms)] }
}

/// A record of any type and body that the owner signed, whatever it means. PROTOCOL.md 5.
pub(crate) fn record(seq: u64, prev: &[u8; 32], kind: u8, body: &[u8]) -> Bytes {
    let session = session();
    let body = &body[..body.len().min(usize::from(u16::MAX))];
    let place = [&[1, kind], &session.as_bytes()[..], &seq.to_le_bytes(), prev, &(START + seq).to_le_bytes()].concat();
    let unsigned = [&place[..], &(body.len() as u16).to_le_bytes(), body].concat();
    let signature = SigningKey::from_bytes(&run(0)).sign(&derive("auth log", &[&unsigned]));
    [unsigned, signature.to_bytes().to_vec()].concat().into()
}

/// Signs an entry of a direct channel, where only the two ends could tell whether `content` was sealed.
pub(crate) fn signed(
    session: &SessionId,
    keys: &MemberKeys,
    kind: u8,
    lane: LaneId,
    seq: u64,
    content: &[u8],
) -> WireEntry {
    let body = [content, &[0; 16]].concat();
    let header = header(session, kind, &lane, seq, &[0; 32], body.len());
    let signature = keys.sign(&entry_digest(&header, &body));
    WireEntry::encode(kind, lane, seq, &body, &signature)
}

/// Returns an Automerge chunk as it came, or with the checksum that fits: a fuzzer does not find SHA-256.
pub(crate) fn chunk(repair: bool, chunk: &[u8]) -> Vec<u8> {
    let mut chunk = chunk.to_vec();
    if let (true, Some((head, hashed))) = (repair, chunk.split_first_chunk_mut::<8>()) {
        head[4..].copy_from_slice(&Sha256::digest(hashed)[..4]);
    }
    chunk
}

/// Bytes that count up.
fn run<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|at| first.wrapping_add(at as u8))
}

/// Cuts the input into pieces, each behind its length as a `u16`; the last may be shorter.
pub(crate) fn pieces(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_first_chunk::<2>()?;
        let (piece, rest) = rest.split_at(rest.len().min(usize::from(u16::from_le_bytes(*length))));
        data = rest;
        Some(piece)
    })
}
