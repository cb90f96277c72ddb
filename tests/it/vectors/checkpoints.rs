//! Checkpoints: a whole document in one lane, and the record that vouches for it.

use super::fields::{Fields, bytes};
use super::{authlog, vectors};
use cahoots::proto::doc::{DocKind, Document};
use cahoots::proto::id::{AuthorId, Channel};
use cahoots::proto::member::{Chain, decode_named, encode_named};
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
        assert_eq!(packed(&mut told(case)), case.bytes("packed"));
    }
}

/// Whoever holds all that the cuts leave makes the base itself: replicas that make two have two documents.
#[test]
fn base_of_a_generation_has_its_bytes() {
    for case in vectors!("generation").list("cases") {
        let mut document = if case.list("changes").is_empty() { Document::new(kind(case), READER) } else { told(case) };
        let authors = case.list("changes").iter().map(|said| AuthorId(said.array("author_id")));
        let keep = authors.map(|author| (author, document.admitted_of(author))).collect();
        let shown = document.state();
        document.roll(&keep, case.small("lines")).unwrap_or_else(|error| panic!("{}: {error:?}", case.text("name")));
        assert_eq!(packed(&mut document), case.bytes("base"), "{}", case.text("name"));
        assert_eq!(document.heads_digest(), case.array("heads_digest"), "{}", case.text("name"));
        assert_eq!(document.state(), shown, "{}: it shows the same", case.text("name"));
    }
}

/// A line without its author's name says nothing to whoever comes later.
#[test]
fn authors_are_named() {
    let file = vectors!("checkpoint");
    for case in file.field("named").list("valid") {
        let members = case.list("members").iter();
        let members: Vec<(Chain, String)> = members
            .map(|member| {
                let chain = Chain::decode(&member.bytes("chain")).expect("the chain is good");
                assert_eq!(chain.member.author(), AuthorId(member.array("author_id")));
                (chain, member.text("name").to_owned())
            })
            .collect();
        assert_eq!(encode_named(members.iter().map(|(chain, name)| (chain, name.as_str()))), case.bytes("bytes"));
        let bytes = case.bytes("bytes");
        let mut reader = Reader::new(&bytes);
        assert_eq!(decode_named(&mut reader), Ok(members));
        assert_eq!(reader.remaining(), 0);
    }
    for case in file.field("named").list("refused") {
        decode_named(&mut Reader::new(&case.bytes("bytes"))).map(drop).expect_err(case.text("why"));
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

/// What a host deflates.
fn packed(document: &mut Document) -> Vec<u8> {
    let saved = document.save_checkpoint().expect("the document can be saved");
    let mut reader = Reader::new(&saved);
    assert_eq!(reader.u8(), Ok(1));
    let length = reader.varint().expect("a length");
    let mut packed = Vec::new();
    let mut inflate = flate2::read::DeflateDecoder::new(reader.rest());
    inflate.read_to_end(&mut packed).expect("raw deflate");
    assert_eq!(packed.len() as u64, length);
    packed
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

/// The checkpoint that the lane of segments carries, behind those who wrote what is in it.
fn joined(case: &Value) -> Vec<u8> {
    let payloads = case.field("lane").list("entries").iter().flat_map(|entry| entry.bytes("payload"));
    let plaintext: Vec<u8> = payloads.collect();
    let mut reader = Reader::new(&plaintext);
    let members = decode_named(&mut reader).expect("the members are good");
    assert_eq!(members.iter().map(|(_, name)| name.len()).collect::<Vec<_>>(), [3, 64]);
    reader.rest().to_vec()
}
