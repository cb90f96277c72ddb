//! Replicas that hold the same payloads are the same, whatever happened on the way.

use automerge::{ROOT, ReadDoc, Value};
use proptest::prelude::*;

use super::*;
use crate::proto::doc::chat::Message;

/// What a replica does at one step of a story.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Title(u8),
    Notes {
        place: u8,
        delete: u8,
        insert: String,
    },
    Pane(u8),
    RemovePane(u8),
    App(u8, u8),
    Say(String),
    /// Takes up to `count` payloads of the next of another's lane, each `times` times.
    Hear {
        from: u8,
        count: u8,
        times: u8,
    },
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<u8>().prop_map(Step::Title),
        (any::<u8>(), 0..4_u8, "[a-zé😀]{0,6}").prop_map(|(place, delete, insert)| Step::Notes {
            place,
            delete,
            insert
        }),
        (0..3_u8).prop_map(Step::Pane),
        (0..3_u8).prop_map(Step::RemovePane),
        (0..3_u8, any::<u8>()).prop_map(|(key, value)| Step::App(key, value)),
        "[a-z]{1,8}".prop_map(Step::Say),
        (any::<u8>(), 1..6_u8, 1..3_u8).prop_map(|(from, count, times)| Step::Hear { from, count, times }),
        (any::<u8>(), 1..6_u8, 1..3_u8).prop_map(|(from, count, times)| Step::Hear { from, count, times }),
        Just(Step::Flush),
    ]
}

/// A story: how many replicas, and who does what.
pub(super) fn story() -> impl Strategy<Value = (usize, Vec<(u8, Step)>)> {
    (2..=8_usize, proptest::collection::vec((any::<u8>(), step()), 1..60))
}

/// Replicas of both documents, and the lanes that they wrote.
pub(super) struct World {
    pub(super) replicas: Vec<[Document; 2]>,
    pub(super) lanes: Vec<[Vec<Bytes>; 2]>,
    /// `heard[listener][speaker][document]` payloads were heard.
    heard: Vec<Vec<[usize; 2]>>,
    pub(super) said: Vec<String>,
}

pub(super) fn author(n: usize) -> AuthorId {
    // Not in the order of the numbers, so that ties break another way than by index.
    AuthorId([(n as u8 ^ 5) + 1; 16])
}

impl World {
    pub(super) fn new(replicas: usize) -> Self {
        let document = |n| [Document::new(DocKind::State, author(n)), Document::new(DocKind::Chat, author(n))];
        Self {
            replicas: (0..replicas).map(document).collect(),
            lanes: vec![Default::default(); replicas],
            heard: vec![vec![[0; 2]; replicas]; replicas],
            said: Vec::new(),
        }
    }

    pub(super) fn run(&mut self, who: usize, step: Step) {
        let [state, chat] = &mut self.replicas[who];
        let written = match step {
            Step::Title(n) => state.set_title(&format!("title {n}")),
            Step::Notes { place, delete, insert } => {
                let length = state.state().notes.chars().count();
                let place = usize::from(place) % (length + 1);
                state.edit_notes(place, usize::from(delete).min(length - place), &insert)
            }
            Step::Pane(n) => {
                let info = PaneInfo { title: format!("by {who}"), ..PaneInfo::default() };
                state.set_pane(PaneId(n.into()), &info)
            }
            Step::RemovePane(n) => state.remove_pane(PaneId(n.into())),
            Step::App(key, value) => state.set_app(&key.to_string(), &value.to_string()),
            Step::Say(line) => {
                let payload = chat.say(&text(&line), Wall(0)).unwrap();
                self.lanes[who][1].extend(payload);
                self.said.push(line);
                Ok(None)
            }
            Step::Hear { from, count, times } => {
                let from = usize::from(from) % self.lanes.len();
                self.hear(who, from, count.into(), times);
                Ok(None)
            }
            Step::Flush => {
                self.flush(who);
                Ok(None)
            }
        };
        self.lanes[who][0].extend(written.unwrap());
    }

    pub(super) fn hear(&mut self, who: usize, from: usize, count: usize, times: u8) {
        for kind in 0..2 {
            let heard = self.heard[who][from][kind];
            for payload in self.lanes[from][kind].iter().skip(heard).take(count) {
                for _ in 0..times {
                    self.replicas[who][kind].handle_payload(author(from), payload.clone());
                }
                self.heard[who][from][kind] += 1;
            }
        }
    }

    pub(super) fn flush(&mut self, who: usize) {
        for document in &mut self.replicas[who] {
            assert_eq!(document.flush().refused, []);
        }
    }

    pub(super) fn settle(&mut self) {
        let replicas = self.replicas.len();
        for who in 0..replicas {
            for from in 0..replicas {
                self.hear(who, from, usize::MAX, 1);
            }
            self.flush(who);
        }
    }
}

/// Reads the messages from Automerge itself, as the protocol describes them.
pub(super) fn messages_from_automerge(document: &Document) -> Vec<Message> {
    let read = |doc: &automerge::Automerge| {
        let mut messages = Vec::new();
        for key in doc.keys(ROOT).filter(|key| key != "v") {
            let (author, page) = key.split_once('/').unwrap();
            let (author, page): (_, u64) = (AuthorId::parse(author).unwrap(), page.parse().unwrap());
            let (_, list) = doc.get(ROOT, &*key)?.unwrap();
            for index in 0..doc.length(&list) {
                let (value, automerge::ObjId::Id(counter, actor, _)) = doc.get(&list, index)?.unwrap() else {
                    panic!("a message is an operation");
                };
                assert_eq!(actor.to_bytes(), author.as_bytes());
                let Value::Scalar(scalar) = &value else { panic!("a message is a scalar") };
                let bytes = scalar.as_bytes().unwrap();
                messages.push(Message::decode(author, 128 * page + index as u64, counter as u32, bytes).unwrap());
            }
        }
        messages.sort_by_key(Message::order);
        Ok(messages)
    };
    document.view_of_log().unwrap().read(read).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// The promise of the whole design: edit offline, meet in any order, and agree without losing a line.
    #[test]
    fn replicas_that_hold_the_same_payloads_agree((replicas, steps) in story(), order in any::<u64>()) {
        let mut world = World::new(replicas);
        for (who, step) in steps {
            world.run(usize::from(who) % replicas, step);
        }
        world.settle();
        // A newcomer gets everything at once, twice, in no order at all.
        let mut newcomer = [Document::new(DocKind::State, EVE), Document::new(DocKind::Chat, EVE)];
        for (kind, document) in newcomer.iter_mut().enumerate() {
            let lanes = world.lanes.iter().enumerate();
            let all = lanes.flat_map(|(n, lanes)| lanes[kind].iter().map(move |payload| (author(n), payload.clone())));
            let mut all: Vec<_> = all.clone().chain(all).collect();
            all.sort_by_key(|(_, payload)| {
                payload[4..8].iter().fold(order, |mix, byte| (mix ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
            });
            for (author, payload) in all {
                document.handle_payload(author, payload);
            }
            prop_assert!(document.flush().refused.is_empty());
            prop_assert_eq!(document.len_waiting(), 0);
            prop_assert!(document.save().is_some());
        }
        for [state, chat] in &world.replicas {
            prop_assert_eq!((state.heads(), chat.heads()), (newcomer[0].heads(), newcomer[1].heads()));
            prop_assert_eq!(state.state(), newcomer[0].state());
            prop_assert_eq!(chat.messages(), newcomer[1].messages());
        }
        let messages = newcomer[1].messages();
        prop_assert_eq!(messages, messages_from_automerge(&newcomer[1]));
        let mut said: Vec<_> = lines(&newcomer[1]);
        said.sort_unstable();
        world.said.sort_unstable();
        prop_assert_eq!(said, world.said);
        for n in 0..replicas {
            let numbers = messages.iter().filter(|message| message.author == author(n)).map(|message| message.n);
            prop_assert!(numbers.eq(0..world.lanes[n][1].len() as u64));
        }
    }
}

/// Two people in one paragraph: both keep every character, and read the same.
#[test]
fn notes_typed_at_once_keep_both_texts_whole() {
    let (mut ada, mut ben) = (Document::new(DocKind::State, ADA), Document::new(DocKind::State, BEN));
    let base = ada.edit_notes(0, 0, "agenda: ").unwrap().unwrap();
    ben.handle_payload(ADA, base);
    ben.flush();
    let mut lanes = (Vec::new(), Vec::new());
    for (n, (a, b)) in "tests".chars().zip("notes".chars()).enumerate() {
        lanes.0.push(ada.edit_notes(8 + n, 0, &a.to_string()).unwrap().unwrap());
        lanes.1.push(ben.edit_notes(8 + n, 0, &b.to_string()).unwrap().unwrap());
    }
    for payload in lanes.1 {
        ada.handle_payload(BEN, payload);
    }
    for payload in lanes.0 {
        ben.handle_payload(ADA, payload);
    }
    ada.flush();
    ben.flush();
    let notes = ada.state().notes;
    assert_eq!(notes, ben.state().notes);
    assert!(notes == "agenda: testsnotes" || notes == "agenda: notestests", "{notes}");
}

/// A hundred people speak before anybody hears: the next line cannot name a hundred dependencies.
#[test]
fn more_heads_than_a_change_may_name_are_drawn_together_by_the_next_edits() {
    for kind in [DocKind::State, DocKind::Chat] {
        let mut ada = Document::new(kind, ADA);
        let mut ben = Document::new(kind, BEN);
        let write = |document: &mut Document, n: u8| match kind {
            DocKind::State => document.set_app(&n.to_string(), "1").unwrap().unwrap(),
            DocKind::Chat => say(document, &n.to_string()),
        };
        let first = write(&mut ada, 200);
        ben.handle_payload(ADA, first);
        for n in 0..100 {
            let mut other = Document::new(kind, AuthorId([n + 1; 16]));
            let payload = write(&mut other, n);
            ada.handle_payload(other.author(), payload.clone());
            ben.handle_payload(other.author(), payload);
        }
        ada.flush();
        assert_eq!(ada.heads().len(), 101);
        for n in 201..204 {
            let payload = write(&mut ada, n);
            ben.handle_payload(ADA, payload);
        }
        assert_eq!(ben.flush().refused, []);
        assert_eq!((ada.heads().len(), ada.heads()), (1, ben.heads()));
        assert_eq!((ada.state(), ada.messages()), (ben.state(), ben.messages()));
        assert!(ben.save().is_some());
    }
}
