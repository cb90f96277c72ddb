//! Eve may write: nothing that she writes may reach Automerge's weak spots, or anybody else's lane.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::legacy::{ElementId, Key, MarkData, ObjectId, Op, OpType};
use automerge::{Change, ChangeHash, ExpandedChange, ObjType, ScalarValue};

use super::forge::{actor, body, chunk, decode, encode, genesis, id, insert, make, next_change, put, uleb};
use super::*;
use crate::proto::doc::ScanError;
use crate::proto::doc::chat::Pages;
use crate::proto::doc::gate::scan::Scan;
use crate::proto::doc::gate::{GENESIS_AUTHOR, parse_canonical};
use crate::proto::limits::{CHAT_PAGE_MESSAGES_MAX, CHAT_TEXT_BYTES_MAX};

/// Each of these made Automerge 0.12 panic, or save what never loads again.
#[test]
fn known_reproducers_are_refused() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/automerge");
    let mut files = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for author in [EVE, AuthorId([7; 16])] {
            for kind in [DocKind::State, DocKind::Chat] {
                let mut document = Document::new(kind, ADA);
                document.handle_payload(author, bytes.clone().into());
                assert_eq!(document.flush().refused.len(), 1);
                assert!(document.save().is_some());
            }
            assert!(Presence::decode(author, &bytes).is_err());
        }
        files += 1;
    }
    assert_eq!(files, 8);
}

/// A megabyte of nothing in a kilobyte, the checksum of which is looked at after three gigabytes.
#[test]
fn deflated_chunks_and_columns_are_refused_unread() {
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    deflate.write_all(&vec![0; 16 << 20]).unwrap();
    let bomb = chunk(2, &deflate.finish().unwrap());
    assert_eq!(Scan::parse(&bomb).unwrap_err(), ScanError::Value { what: "chunk type", found: 2 });
    let columns: [(u64, &[u8]); 5] =
        [(0x15, &[0x7f, 1, b'a']), (0x34, &[1]), (0x4a, &[0x7f, 1]), (0x56, &[0x7f, 0]), (0x70, &[0x7f, 0])];
    let deflated = chunk(1, &body(EVE, &columns));
    assert_eq!(Scan::parse(&deflated).unwrap_err(), ScanError::Value { what: "column", found: 0x4a });
}

/// 57 bytes made Automerge take 4.7 gigabytes and 18 seconds.
#[test]
fn run_length_bombs_are_refused_without_expanding_them() {
    // For these counts the signed form is the unsigned one: the sign bit of the last group is clear.
    let run = |count: u64, cell: &[u8]| {
        let mut out = Vec::new();
        uleb(&mut out, count);
        out.extend_from_slice(cell);
        out
    };
    let puts = |count: u64| {
        let (key, insert, action) = (run(count, &[1, b'a']), run(count, &[]), run(count, &[1]));
        let (value, preds) = (run(count, &[6]), run(count, &[0]));
        let columns: [(u64, &[u8]); 5] =
            [(0x15, &key), (0x34, &insert), (0x42, &action), (0x56, &value), (0x70, &preds)];
        chunk(1, &body(EVE, &columns))
    };
    assert_eq!(Scan::parse(&puts(0x1000)).map(|scan| scan.ops), Ok(0x1000));
    for count in [0x1001, 10_000_000, 0x1f_ffff_ffff] {
        let bomb = puts(count);
        let scan = Scan::parse(&bomb);
        assert!(matches!(scan, Err(ScanError::Limit { found, .. }) if found <= count), "{count}: {scan:?}");
    }
    // One operation with a million predecessors.
    let preds = run(1_000_000, &[]);
    let count = [&[0x7f][..], &preds].concat();
    let columns: [(u64, &[u8]); 7] = [
        (0x15, &[0x7f, 1, b'a']),
        (0x34, &[1]),
        (0x42, &[0x7f, 1]),
        (0x56, &[0x7f, 6]),
        (0x70, &count),
        (0x71, &run(1_000_000, &[0])),
        (0x73, &run(1_000_000, &[1])),
    ];
    let bomb = chunk(1, &body(EVE, &columns));
    assert!(matches!(Scan::parse(&bomb), Err(ScanError::Limit { what: "predecessors", .. })));
}

/// What a forged change tries, what it is refused for, and how it is made from an honest one.
type Trick = (&'static str, fn(&mut ExpandedChange));

fn reference(error: &GateError) -> bool {
    matches!(error, GateError::Reference { .. })
}

/// Automerge checks none of these; each would panic, corrupt the saved document, or impersonate somebody.
#[test]
fn forged_changes_are_refused_and_nobody_else_notices() {
    let scan = |error: &GateError| matches!(error, GateError::Scan(_));
    let rule = |error: &GateError| matches!(error, GateError::Rule { .. });
    let scanned: [Trick; 13] = [
        ("a message", |c| c.message = Some("hi".into())),
        ("a time", |c| c.time = 1),
        ("extra bytes", |c| c.extra_bytes = vec![9, 9]),
        ("no operations", |c| c.operations.clear()),
        ("operations past 2^31", |c| c.start_op = (1 << 31).try_into().unwrap()),
        ("a counter", |c| c.operations[0].action = OpType::Put(ScalarValue::counter(1))),
        ("an increment", |c| c.operations[0].action = OpType::Increment(1)),
        ("a table", |c| c.operations[0].action = OpType::Make(ObjType::Table)),
        ("a float", |c| c.operations[0].action = OpType::Put(ScalarValue::F64(0.5))),
        ("a mark", |c| {
            let mark = MarkData { name: "bold".into(), value: true.into(), expand: true };
            c.operations[0].action = OpType::MarkBegin(mark);
        }),
        ("a deletion of nothing", |c| c.operations[0].action = OpType::Delete),
        ("a predecessor twice", |c| c.operations[0].pred = vec![id(5, ADA), id(5, ADA)].into()),
        ("a key of 300 bytes", |c| c.operations[0].key = Key::Map("k".repeat(300).into())),
    ];
    let references: [Trick; 10] = [
        ("a predecessor that is not there", |c| c.operations[0].pred = vec![id(77, ADA)].into()),
        ("a predecessor of another key", |c| c.operations[0].pred = vec![id(1, GENESIS_AUTHOR)].into()),
        ("a predecessor still to come", |c| c.operations[0].pred = vec![id(99, EVE)].into()),
        ("an object that is not there", |c| c.operations[0].obj = ObjectId::Id(id(77, ADA))),
        ("an object that is a value", |c| c.operations[0].obj = ObjectId::Id(id(5, ADA))),
        ("a key in a text", |c| c.operations[0].obj = genesis(2)),
        ("an element of a map", |c| c.operations[0] = insert(genesis(1), ElementId::Head, "x")),
        ("an element of another text", |c| c.operations[0] = insert(genesis(2), ElementId::Id(id(5, ADA)), "x")),
        ("a predecessor replaced already", |c| {
            c.operations = vec![put(ObjectId::Root, "title", "a"), put(ObjectId::Root, "title", "b")];
            c.operations.iter_mut().for_each(|op| op.pred = vec![id(5, ADA)].into());
        }),
        ("an author nobody knows", |c| c.operations[0].pred = vec![id(5, AuthorId([1; 16]))].into()),
    ];
    let ruled: [Trick; 6] = [
        ("a genesis object replaced", |c| c.operations[0] = put(ObjectId::Root, "notes", "mine")),
        ("a value beside one's own", |c| {
            c.operations = vec![put(ObjectId::Root, "title", "a"), put(ObjectId::Root, "title", "b")];
        }),
        ("two characters as one", |c| c.operations[0] = insert(genesis(2), ElementId::Head, "ab")),
        ("no character as one", |c| c.operations[0] = insert(genesis(2), ElementId::Head, "")),
        ("an object in a text", |c| {
            c.operations[0] = Op { action: OpType::Make(ObjType::Map), ..insert(genesis(2), ElementId::Head, "") };
        }),
        ("objects nested 17 deep", |c| {
            let first = c.start_op.get();
            let nested = (1..17).map(|n| make(ObjectId::Id(id(first + n - 1, EVE)), "o", ObjType::Map));
            c.operations = std::iter::once(make(ObjectId::Root, "o", ObjType::Map)).chain(nested).collect();
        }),
    ];
    let other: [Trick; 6] = [
        ("somebody else's name", |c| c.actor_id = actor(ADA)),
        ("the genesis author's name", |c| c.actor_id = actor(GENESIS_AUTHOR)),
        ("a start below what it builds on", |c| c.start_op = 2.try_into().unwrap()),
        ("a start too high", |c| c.start_op = 1000.try_into().unwrap()),
        ("no dependencies", |c| c.deps.clear()),
        ("no dependencies and an honest start", |c| {
            c.deps.clear();
            c.start_op = 1.try_into().unwrap();
        }),
    ];
    for (name, spoil) in scanned {
        expect_refused(name, spoil, scan);
    }
    for (name, spoil) in references {
        expect_refused(name, spoil, reference);
    }
    for (name, spoil) in ruled {
        expect_refused(name, spoil, rule);
    }
    for (name, spoil) in other {
        let header = |error: &GateError| {
            matches!(error, GateError::Author { .. } | GateError::StartOp { .. } | GateError::Dependencies)
        };
        expect_refused(name, spoil, header);
    }
}

fn expect_refused(name: &str, spoil: fn(&mut ExpandedChange), expected: impl Fn(&GateError) -> bool) {
    let (mut ada, mut ben) = (Document::new(DocKind::State, ADA), Document::new(DocKind::State, BEN));
    ben.handle_payload(ADA, ada.set_title("honest").unwrap().unwrap());
    ben.flush();
    let mut change = next_change(&ben, EVE, 1, vec![put(ObjectId::Root, "title", "forged")]);
    spoil(&mut change);
    let Ok(payload) = catch_unwind(AssertUnwindSafe(|| encode(change))) else {
        panic!("{name}: the workshop broke");
    };
    let heads = ben.heads();
    ben.handle_payload(EVE, payload);
    let refused = ben.flush().refused;
    assert!(matches!(&refused[..], [one] if one.author == EVE && expected(&one.reason)), "{name}: {refused:?}");
    assert_eq!((ben.heads(), ben.is_muted(EVE), ben.is_muted(ADA)), (heads, true, false), "{name}");
    let honest = next_change(&ben, EVE, 1, vec![put(ObjectId::Root, "title", "too late")]);
    ben.handle_payload(EVE, encode(honest));
    ben.handle_payload(ADA, ada.set_title("still here").unwrap().unwrap());
    ben.flush();
    assert_eq!(ben.state().title, "still here", "{name}");
    assert!(ben.save().is_some(), "{name}");
}

/// Whether a reference counts must not depend on what else has arrived, or replicas would part for ever.
#[test]
fn a_reference_to_what_the_change_has_not_seen_is_refused_by_whoever_has() {
    let mut ada = Document::new(DocKind::State, ADA);
    let before = Document::new(DocKind::State, BEN);
    let seen = ada.set_title("one").unwrap().unwrap();
    // Eve knows Ada's change but leaves it out of her dependencies.
    let mut forged = put(ObjectId::Root, "title", "two");
    forged.pred = vec![id(5, ADA)].into();
    let forged = encode(next_change(&before, EVE, 1, vec![forged]));
    for ada_first in [true, false] {
        let mut ben = Document::new(DocKind::State, BEN);
        let lanes = [(ADA, seen.clone()), (EVE, forged.clone())];
        let order = if ada_first { [0, 1] } else { [1, 0] };
        for (author, payload) in order.map(|place| lanes[place].clone()) {
            ben.handle_payload(author, payload);
            ben.flush();
        }
        assert!(ben.is_muted(EVE));
        assert_eq!((ben.heads(), ben.state().title.as_str()), (ada.heads(), "one"));
    }
}

/// A lane is one story: a change that leaves out its author's last one could tell two.
#[test]
fn a_change_names_its_authors_last_one() {
    let mut document = Document::new(DocKind::State, ADA);
    let other = Document::new(DocKind::State, ADA);
    let first = encode(next_change(&document, EVE, 1, vec![put(ObjectId::Root, "title", "one")]));
    document.handle_payload(EVE, first.clone());
    document.flush();
    let second = encode(next_change(&other, EVE, 2, vec![put(ObjectId::Root, "title", "two")]));
    document.handle_payload(EVE, second);
    assert_eq!(document.flush().refused[0].reason, GateError::Dependencies);
    let twin = encode(next_change(&other, EVE, 1, vec![put(ObjectId::Root, "title", "twin")]));
    let mut document = Document::new(DocKind::State, ADA);
    document.handle_payload(EVE, first.clone());
    document.handle_payload(EVE, first);
    document.handle_payload(EVE, twin);
    let refused = document.flush().refused;
    assert_eq!((refused.len(), &refused[0].reason), (1, &GateError::Equivocation { seq: 1 }));
    assert_eq!(document.state().title, "one");
}

/// In chat nobody touches another's lines, and nobody unsays anything.
#[test]
fn chat_takes_lines_at_the_end_of_their_authors_own_page_only() {
    let mut ada = Document::new(DocKind::Chat, ADA);
    let (line, more) = (say(&mut ada, "hello"), say(&mut ada, "again"));
    let honest = decode(&line);
    let value = |text: &str| {
        let mut value = vec![1, 1];
        value.extend_from_slice(&[0; 9]);
        value.extend_from_slice(text.as_bytes());
        OpType::Put(ScalarValue::Bytes(value))
    };
    let list = |page: &str, kind| make(ObjectId::Root, &format!("{EVE}/{page}"), kind);
    let first = |action| Op { action, ..insert(ObjectId::Id(id(4, EVE)), ElementId::Head, "") };
    let (page, hello) = (list("0", ObjType::List), first(value("hi")));
    let adas = ObjectId::Id(id(2, ADA));
    let tricks: Vec<(&str, Vec<Op>)> = vec![
        ("honest", vec![page.clone(), hello.clone()]),
        ("a page of Ada's", vec![make(ObjectId::Root, &format!("{ADA}/0"), ObjType::List)]),
        ("a page beyond the last", vec![list("4294967296", ObjType::List)]),
        ("a page written differently", vec![list("00", ObjType::List)]),
        ("an empty page after an empty page", vec![page.clone(), list("1", ObjType::List)]),
        ("a map for a page", vec![list("0", ObjType::Map)]),
        ("another root key", vec![put(ObjectId::Root, "v", "2")]),
        ("a line in Ada's page", vec![Op { obj: adas.clone(), key: Key::Seq(ElementId::Head), ..hello.clone() }]),
        (
            "Ada's line replaced",
            vec![Op {
                action: value("unsaid"),
                obj: adas,
                key: Key::Seq(ElementId::Id(id(3, ADA))),
                insert: false,
                pred: vec![id(3, ADA)].into(),
            }],
        ),
        ("a line before another", vec![page.clone(), hello.clone(), hello.clone()]),
        ("a line of text instead of bytes", vec![page.clone(), first(OpType::Put("hi".into()))]),
        ("a line of 5,000 bytes", vec![page.clone(), first(value(&"x".repeat(5_000)))]),
        ("no version", vec![page.clone(), first(OpType::Put(ScalarValue::Bytes(vec![])))]),
        (
            "own line deleted",
            vec![
                page,
                hello,
                Op {
                    action: OpType::Delete,
                    obj: ObjectId::Id(id(4, EVE)),
                    key: Key::Seq(ElementId::Id(id(5, EVE))),
                    insert: false,
                    pred: vec![id(5, EVE)].into(),
                },
            ],
        ),
    ];
    for (name, operations) in tricks {
        let mut ben = Document::new(DocKind::Chat, BEN);
        ben.handle_payload(ADA, line.clone());
        ben.flush();
        let change = ExpandedChange { operations, ..next_change(&ben, EVE, 1, honest.operations.clone()) };
        ben.handle_payload(EVE, encode(change));
        ben.handle_payload(ADA, more.clone());
        let refused = ben.flush().refused;
        let expected: &[&str] = if name == "honest" { &["hello", "hi", "again"] } else { &["hello", "again"] };
        assert_eq!(refused.len(), usize::from(name != "honest"), "{name}: {refused:?}");
        let mut said = lines(&ben);
        said.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(said, expected, "{name}");
    }
}

/// A hundred and twenty-nine lines on a page would be two lines of one number.
#[test]
fn a_page_holds_128_messages() {
    let mut eve = Document::new(DocKind::Chat, EVE);
    let payloads: Vec<Bytes> = (0..128).map(|n| say(&mut eve, &n.to_string())).collect();
    let mut ben = Document::new(DocKind::Chat, BEN);
    for payload in payloads {
        ben.handle_payload(EVE, payload);
    }
    ben.flush();
    let last = decode(&say(&mut Document::new(DocKind::Chat, EVE), "x")).operations[1].clone();
    let one_more = Op { obj: ObjectId::Id(id(2, EVE)), key: Key::Seq(ElementId::Id(id(130, EVE))), ..last };
    ben.handle_payload(EVE, encode(next_change(&ben, EVE, 129, vec![one_more])));
    assert!(matches!(ben.flush().refused[..], [_]));
    assert_eq!(ben.messages().len(), 128);
}

/// Chat is written and judged without Automerge, and must not differ from it by a bit at any length or counter.
#[test]
fn lines_have_the_form_that_automerge_would_give_them() {
    let mut ada = Document::new(DocKind::Chat, ADA);
    for n in 0..400_usize {
        let length = if n < 300 { n } else { CHAT_TEXT_BYTES_MAX - (n - 300) };
        let payload = say(&mut ada, &"x".repeat(length));
        let change = parse_canonical(&payload).unwrap();
        assert_eq!([change.hash().0].to_vec(), ada.heads());
    }
    // Counters of three bytes, reached by changes of a page each, which have no short form.
    let mut eve = Document::new(DocKind::Chat, EVE);
    let line = decode(&say(&mut eve, "one")).operations[1].clone();
    for _ in 0..70 {
        let Pages { list, last, count, .. } = eve.gate.pages(EVE);
        let (seq, mut after) = (eve.gate.next_seq(EVE), u64::from(last));
        let start = next_change(&eve, EVE, seq, Vec::new()).start_op.get();
        let rest = (0..CHAT_PAGE_MESSAGES_MAX as u64 - count).map(|n| {
            let key = Key::Seq(ElementId::Id(id(std::mem::replace(&mut after, start + n), EVE)));
            Op { obj: ObjectId::Id(id(list.into(), EVE)), key, ..line.clone() }
        });
        let rest = rest.collect();
        eve.handle_payload(EVE, encode(next_change(&eve, EVE, seq, rest)));
        assert_eq!(eve.flush().refused, []);
        let [page, next] = ["new page", "next"].map(|line| say(&mut eve, line));
        assert!(parse_canonical(&page).is_ok() && parse_canonical(&next).is_ok());
    }
    assert!(eve.gate.pages(EVE).last > 8_192);
}

/// Waiting costs memory, so it is bounded, and who waits most is who loses.
#[test]
fn changes_that_build_on_nothing_known_wait_up_to_a_bound() {
    let mut ada = Document::new(DocKind::State, ADA);
    let mut ben = Document::new(DocKind::State, BEN);
    let (first, second) = (ada.set_title("one").unwrap().unwrap(), ada.set_title("two").unwrap().unwrap());
    ben.handle_payload(ADA, second);
    ben.flush();
    assert_eq!(ben.len_waiting(), 1);
    ben.waiting_bytes_max = 10_000;
    let mut change = next_change(&ben, EVE, 1, vec![put(ObjectId::Root, "title", "x")]);
    change.deps = vec![ChangeHash([7; 32])];
    for seq in 1..100 {
        change.seq = seq;
        ben.handle_payload(EVE, encode(change.clone()));
    }
    let refused = ben.flush().refused;
    assert!(matches!(refused[..], [Refusal { author: EVE, reason: GateError::Waiting { .. } }]), "{refused:?}");
    assert_eq!(ben.len_waiting(), 1);
    ben.handle_payload(ADA, first);
    assert!(ben.flush().changed);
    assert_eq!(ben.state().title, "two");
}

/// Should a change slip through and bring Automerge down, it must take nothing else with it.
#[test]
fn a_change_on_which_automerge_panics_is_taken_back_alone() {
    let [mut ada, mut ben, mut eve] = [ADA, BEN, EVE].map(|author| Document::new(DocKind::State, author));
    let note = |document: &mut Document, key: &str| document.set_app(key, "1").unwrap().unwrap();
    let notes = |document: &Document| document.state().app.into_keys().collect::<Vec<_>>();
    let before = note(&mut ada, "1 before");
    ben.handle_payload(ADA, before.clone());
    ben.flush();
    let good = note(&mut eve, "2 good");
    let poison = note(&mut eve, "3 poison");
    let poisonous = Change::from_bytes(poison.to_vec()).unwrap().hash().0;
    ben.view.as_mut().unwrap().poison.insert(poisonous);
    eve.handle_payload(ADA, before);
    eve.flush();
    // Ada's second change builds on the poison.
    ada.handle_payload(EVE, good.clone());
    ada.handle_payload(EVE, poison.clone());
    ada.flush();
    let after = note(&mut ada, "4 after");
    for (author, payload) in [(EVE, good), (EVE, poison), (ADA, after), (EVE, note(&mut eve, "5 late"))] {
        ben.handle_payload(author, payload);
    }
    let applied = ben.flush();
    assert_eq!(applied.refused, [Refusal { author: EVE, reason: GateError::Failed }]);
    assert_eq!(notes(&ben), ["1 before", "2 good"]);
    assert_eq!(ben.len_waiting(), 1);
    let own = note(&mut ben, "6 mine");
    assert_eq!(notes(&ben), ["1 before", "2 good", "6 mine"]);
    assert!(ben.save().is_some() && !own.is_empty());
}
