//! Proofs: whatever convinces is two entries of one author in one place, and every such pair convinces.

use crate::cast;
use cahoots::proto::id::{Channel, Class, Epoch, LaneId};
use cahoots::proto::key::VerifyKey;
use cahoots::proto::lane::proof::Proof;
use cahoots::proto::lane::verify::entry_digest;
use cahoots::proto::wire::header;

/// A proof as it stands on the wire; or, behind a first byte with its high bit set, two entries to be signed, each behind
/// its length as a `u16`.
pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((first, rest)) if first & 0x80 != 0 => signed(*first, rest),
        _ => anything(data),
    }
}

fn anything(data: &[u8]) {
    let Ok(proof) = Proof::decode(data) else { return };
    assert_eq!(&proof.encode()[..], data, "a proof has one form");
    let (one, two) = data.split_at(180);
    if proof.verify(&cast::session(), &key(1)) {
        let place = |half: &[u8]| [half[..1].to_vec(), half[2..46].to_vec(), half[78..80].to_vec()].concat();
        assert_eq!(place(one), place(two), "one place");
        assert_ne!(one[..116], two[..116], "two entries");
    }
}

/// Five bytes of header, then the body: kind, channel, epoch, seq, the previous entry.
fn signed(flags: u8, data: &[u8]) {
    let mut pieces = cast::pieces(data);
    let (Some(one), Some(two)) = (pieces.next(), pieces.next()) else { return };
    let (Some(one), Some(two)) = (Half::of(usize::from(flags & 1), one), Half::of(usize::from(flags >> 1 & 1), two))
    else {
        return;
    };
    let half = |half: &Half| (half.header, half.body.clone(), half.signature);
    let (a, b) = (half(&one), half(&two));
    let found = Proof::find(&cast::session(), &key(1), (&a.0, &a.1, &a.2), (&b.0, &b.1, &b.2));
    let is_durable = one.lane.channel.class() == Class::Durable && one.header[1] == 1 && two.header[1] == 1;
    let contradict =
        is_durable && flags & 3 == 3 && one.lane == two.lane && one.seq == two.seq && one.digest() != two.digest();
    assert_eq!(found.is_some(), contradict);
    let Some(proof) = found else { return };
    assert!(proof.verify(&cast::session(), &key(1)));
    assert!(!proof.verify(&cast::session(), &key(0)), "it convinces of nobody else");
    assert_eq!((proof.lane(), proof.seq()), (one.lane, one.seq));
    anything(&proof.encode()[..]);
    let other_way = Proof::find(&cast::session(), &key(1), (&b.0, &b.1, &b.2), (&a.0, &a.1, &a.2));
    assert_eq!(other_way.map(|other| other.encode().to_vec()), Some(proof.encode().to_vec()));
}

struct Half {
    lane: LaneId,
    seq: u64,
    header: [u8; 84],
    body: Vec<u8>,
    signature: [u8; 64],
}

impl Half {
    /// An entry in Ben's name, signed by Ben, 1, or by Ada, 0.
    fn of(signer: usize, raw: &[u8]) -> Option<Self> {
        let (&[kind, channel, epoch, seq, prev], body) = raw.split_first_chunk()?;
        let lane = LaneId { channel: Channel::parse(channel.into())?, author: cast::ben(), epoch: Epoch(epoch.into()) };
        let header = header(&cast::session(), kind, &lane, seq.into(), &[prev; 32], body.len());
        let signature = cast::keys_of(signer).sign(&entry_digest(&header, body));
        Some(Self { lane, seq: seq.into(), header, body: body.to_vec(), signature })
    }

    fn digest(&self) -> [u8; 32] {
        entry_digest(&self.header, &self.body)
    }
}

/// The key of Ada, 0, or Ben, 1.
fn key(who: usize) -> VerifyKey {
    VerifyKey::try_from(cast::keys_of(who).sign_public()).expect("the key is one")
}
