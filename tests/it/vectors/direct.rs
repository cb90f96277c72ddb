//! The direct channel: what a guest seals to the host alone, and what the host answers.

use super::entries::{decode, same_entry};
use super::fields::Fields;
use super::vectors;
use cahoots::proto::id::{AuthorId, SessionId};
use cahoots::proto::key::{MemberKeys, VerifyKey};
use cahoots::proto::member::{Chain, VerifiedMember};
use cahoots::proto::seal::{DirectGuest, DirectHost, EntryError};
use cahoots::proto::wire::WireEntry;
use serde_json::Value;

/// What is typed must reach a host of any build, and be readable by nobody between.
#[test]
fn guest_seals_and_reads_the_same_bytes() {
    let file = vectors!("direct");
    let keys = MemberKeys::from_seed(file.array("guest_seed"));
    let mut guest = guest(&file);
    for case in file.list("up_entries") {
        assert_eq!(guest.next_seq(), case.number("seq"));
        let sealed = guest.seal(case.small("kind"), &keys, &case.bytes("plaintext"));
        same_entry(&file, &sealed, case);
    }
    for case in file.list("down_entries") {
        let opened = guest.open(&decode(case), &host_key(&file)).expect("the answer is good");
        assert_eq!(opened, case.bytes("plaintext"), "{case}");
    }
}

/// A host answers a guest of any build.
#[test]
fn host_reads_and_seals_the_same_bytes() {
    let file = vectors!("direct");
    let mut host = host_after(&file, file.list("up_entries").len());
    let keys = MemberKeys::from_seed(file.array("host_seed"));
    for case in file.list("down_entries") {
        let sealed = host.seal(case.number("seq"), host_id(&file), &keys, &case.bytes("plaintext"));
        same_entry(&file, &sealed, case);
    }
}

/// The first entry decides which keys the two share.
#[test]
fn broken_opens_are_refused() {
    let file = vectors!("direct");
    for case in file.list("refused_open") {
        accept(&file, &decode(case)).map(drop).expect_err(case.text("why"));
    }
}

/// Typed bytes are applied once, in order, from one member.
#[test]
fn broken_requests_are_refused() {
    let file = vectors!("direct");
    for case in file.list("refused_up") {
        let mut host = host_after(&file, case.small("after"));
        let next = host.next_seq();
        host.open(&decode(case)).map(drop).expect_err(case.text("why"));
        assert_eq!(host.next_seq(), next, "{}: a refused entry leaves no trace", case.text("why"));
    }
}

/// A false receipt would make a guest forget what it typed.
#[test]
fn broken_answers_are_refused() {
    let file = vectors!("direct");
    for case in file.list("refused_down") {
        let mut guest = guest(&file);
        for good in file.list("down_entries").iter().take(case.small("after")) {
            guest.open(&decode(good), &host_key(&file)).expect("the answer is good");
        }
        guest.open(&decode(case), &host_key(&file)).map(drop).expect_err(case.text("why"));
    }
}

fn guest(file: &Value) -> DirectGuest {
    let (me, host_kem) = (AuthorId(file.array("guest_id")), file.array("host_kem_public"));
    DirectGuest::new(session(file), me, host_id(file), &host_kem, file.array("ephemeral_seed"))
        .expect("the host's key is one")
}

fn accept(file: &Value, open: &WireEntry) -> Result<(DirectHost, Vec<u8>), EntryError> {
    let keys = MemberKeys::from_seed(file.array("host_seed"));
    DirectHost::accept(session(file), &keys, host_id(file), &member(file, "guest_body"), open)
}

/// A host that has read the first `count` entries, the open among them.
fn host_after(file: &Value, count: usize) -> DirectHost {
    let [open, others @ ..] = file.list("up_entries") else { panic!("an open and more") };
    let (mut host, plaintext) = accept(file, &decode(open)).expect("the open is good");
    assert_eq!(plaintext, open.bytes("plaintext"));
    for case in others.iter().take(count.saturating_sub(1)) {
        let opened = host.open(&decode(case)).expect("the request is good");
        assert_eq!(opened, case.bytes("plaintext"), "{case}");
    }
    host
}

fn session(file: &Value) -> SessionId {
    SessionId(file.array("session_id"))
}

fn host_id(file: &Value) -> AuthorId {
    AuthorId(file.array("host_id"))
}

fn host_key(file: &Value) -> VerifyKey {
    member(file, "host_body").verify_key().clone()
}

fn member(file: &Value, name: &str) -> VerifiedMember {
    let chain = Chain::decode(&file.bytes(name)).expect("the chain is good");
    chain.verify(&session(file)).expect("the chain holds")
}
