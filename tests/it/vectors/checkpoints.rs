//! Checkpoints: a whole document in one lane, and the record that vouches for it.

use super::fields::{Fields, bytes};
use super::{authlog, vectors};
use cahoots::proto::doc::{DocKind, Document};
use cahoots::proto::id::{AuthorId, Channel};
use cahoots::proto::wire::Reader;
use serde_json::Value;
use std::io::Read;

const READER: AuthorId = AuthorId([9; 16]);

/// Automerge itself takes the other implementation's changes, one on top of the other.
#[test]
fn changes_are_those_of_automerge() {
    for case in vectors!("checkpoint").list("documents") {
        let saved = Document::new(kind(case), READER).save().expect("a new document can be saved");
        let mut automerge = automerge::Automerge::load(&saved).expect("Automerge reads its own format");
        for said in case.list("changes") {
            let change = automerge::Change::from_bytes(said.bytes("payload")).expect("a change");
            assert_eq!(change.hash().0, said.array("hash"));
            assert_eq!(change.actor_id().to_bytes(), said.bytes("author_id"));
            automerge.apply_changes([change]).expect("it builds on those before");
        }
        let mut heads: Vec<Vec<u8>> = automerge.get_heads().iter().map(|head| head.0.to_vec()).collect();
        let mut named: Vec<_> = case.list("heads").iter().map(bytes).collect();
        heads.sort();
        named.sort();
        assert_eq!(heads, named);
    }
}

/// Who adopts a checkpoint must come to the document that everybody else has, change by change.
#[test]
fn checkpoints_are_adopted() {
    for case in vectors!("checkpoint").list("documents") {
        let told = told(case);
        let others = case.list("plaintexts").iter().map(|other| (other.text("name"), other.bytes("plaintext")));
        for (name, plaintext) in others.chain([("in its lane", joined(case))]) {
            let mut reader = Document::new(kind(case), READER);
            reader.adopt_checkpoint(&plaintext, &case.array("heads_digest")).expect(name);
            assert_eq!(reader.heads_digest(), case.array("heads_digest"), "{name}");
            assert_eq!(reader.messages(), told.messages(), "{name}");
            for said in case.list("changes") {
                let author = AuthorId(said.array("author_id"));
                assert_eq!(reader.admitted_of(author), told.admitted_of(author), "{name}");
            }
        }
    }
}

/// What another host saves must read as what the members hold who were there all along.
#[test]
fn checkpoints_hold_what_was_said() {
    for case in vectors!("checkpoint").list("documents") {
        let mut host = told(case);
        assert_eq!(host.heads_digest(), case.array("heads_digest"));
        let saved = host.save_checkpoint().expect("the document can be saved");
        let mut newcomer = Document::new(kind(case), AuthorId([8; 16]));
        newcomer.adopt_checkpoint(&saved, &case.array("heads_digest")).expect("the checkpoint is good");
        assert_eq!(newcomer.heads(), host.heads());
    }
}

/// The order of changes is the writer's choice; one that keeps theirs packs them into the same bytes.
#[test]
fn changes_in_the_order_they_came_are_packed_alike() {
    for case in vectors!("checkpoint").list("documents") {
        let saved = told(case).save_checkpoint().expect("the document can be saved");
        let mut reader = Reader::new(&saved);
        assert_eq!(reader.u8(), Ok(1));
        let length = reader.varint().expect("a length");
        let mut packed = Vec::new();
        let mut inflate = flate2::read::DeflateDecoder::new(reader.rest());
        inflate.read_to_end(&mut packed).expect("raw deflate");
        assert_eq!(packed.len() as u64, length);
        assert_eq!(packed, case.bytes("packed"));
    }
}

/// A relay may hand out any bytes: what is not the checkpoint that the record names leaves the document as it is.
#[test]
fn broken_checkpoints_are_refused() {
    for case in vectors!("checkpoint").list("refused") {
        let mut reader = Document::new(kind(case), READER);
        let heads = reader.heads_digest();
        reader.adopt_checkpoint(&case.bytes("plaintext"), &case.array("heads")).expect_err(case.text("why"));
        assert_eq!(reader.heads_digest(), heads, "{}: a refused checkpoint leaves no trace", case.text("why"));
    }
}

/// Two hosts that name one document by two hashes would tell everybody that something was left out.
#[test]
fn heads_are_hashed_in_ascending_order() {
    let file = vectors!("checkpoint");
    let [genesis, one, two, two_again] = file.list("digests") else { panic!("four digests") };
    let mut document = Document::new(DocKind::Chat, READER);
    assert_eq!(document.heads_digest(), genesis.array("digest"));
    assert_eq!(two.array::<32>("digest"), two_again.array("digest"));
    for (said, digest) in file.list("documents")[0].list("changes").iter().zip([one, two]) {
        document.handle_payload(AuthorId(said.array("author_id")), said.bytes("payload").into());
        assert!(document.flush().changed);
        assert_eq!(document.heads_digest(), digest.array("digest"));
    }
}

/// The record vouches for all segments by the digest of the last one's entry.
#[test]
fn record_names_the_last_segment() {
    for case in vectors!("checkpoint").list("documents") {
        let record = authlog::checkpoint(&case.field("record").bytes("body"));
        let segments = case.field("lane").list("entries");
        assert_eq!(record.segments as usize, segments.len());
        assert_eq!(record.last, segments.last().expect("one segment at least").array("digest"));
        assert_eq!(record.heads, case.array("heads_digest"));
        assert_eq!(record.channel.checkpoint().map(Channel::number), Some(case.field("lane").small("channel")));
    }
}

fn kind(case: &Value) -> DocKind {
    match case.text("kind") {
        "chat" => DocKind::Chat,
        _ => DocKind::State,
    }
}

/// The document of somebody who was there all along.
fn told(case: &Value) -> Document {
    let mut document = Document::new(kind(case), READER);
    for said in case.list("changes") {
        document.handle_payload(AuthorId(said.array("author_id")), said.bytes("payload").into());
        let applied = document.flush();
        assert!(applied.changed && applied.refused.is_empty(), "{applied:?}");
    }
    document
}

/// The plaintext that the lane of segments carries.
fn joined(case: &Value) -> Vec<u8> {
    case.field("lane").list("entries").iter().flat_map(|entry| entry.bytes("payload")).collect()
}
