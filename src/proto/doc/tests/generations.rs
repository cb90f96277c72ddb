//! A document begins anew, and nobody notices but by its size.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::merge::author;
use super::*;
use crate::proto::doc::{CheckpointError, StateItem};

/// No chat of these tests has so many.
const ALL: u32 = 1 << 20;

fn keep(lanes: &[(AuthorId, u64)]) -> BTreeMap<AuthorId, u64> {
    lanes.iter().copied().collect()
}

fn all_of(document: &Document) -> BTreeMap<AuthorId, u64> {
    document.authors().map(|author| (author, document.admitted_of(author))).collect()
}

/// Makes a document begin anew, and checks that a newcomer who takes its checkpoint is no different.
fn roll(document: &mut Document, lines: u32) {
    document.roll(&all_of(document), lines).unwrap();
    let (plaintext, heads) = (document.save_checkpoint().unwrap(), document.heads_digest());
    let mut newcomer = Document::new(document.kind(), EVE);
    newcomer.adopt_generation(document.generation(), &BTreeMap::new(), &plaintext, &heads).unwrap();
    assert_eq!((newcomer.heads(), newcomer.state()), (document.heads(), document.state()));
    assert_eq!(newcomer.messages(), document.messages());
    assert!(newcomer.authors().all(|author| newcomer.based_of(author) == document.based_of(author)));
}

/// Somebody who types for a week must not leave a document that takes a minute to load.
#[test]
fn what_was_typed_over_leaves_nothing_behind() {
    let mut ada = Document::new(DocKind::State, ADA);
    for n in 0..400 {
        ada.set_title(&format!("title {n}")).unwrap();
        ada.edit_notes(0, ada.state().notes.chars().count(), &format!("notes, as of {n}: é😀")).unwrap();
    }
    let (before, state) = (ada.len_ops(), ada.state());
    roll(&mut ada, 0);
    assert_eq!((ada.state(), ada.generation(), ada.len_changes()), (state, 1, 1));
    assert!(ada.len_ops() < before / 100, "{} of {before}", ada.len_ops());
    let mut ben = Document::new(DocKind::State, BEN);
    ben.adopt_generation(1, &BTreeMap::new(), &ada.save_checkpoint().unwrap(), &ada.heads_digest()).unwrap();
    ben.handle_payload(ADA, ada.set_title("on").unwrap().unwrap());
    ada.handle_payload(BEN, ben.edit_notes(5, 0, " (shared)").unwrap().unwrap());
    assert_eq!((ada.flush().refused, ben.flush().refused), (Vec::new(), Vec::new()));
    assert_eq!((ada.heads(), ada.state().notes), (ben.heads(), "notes (shared), as of 399: é😀".to_owned()));
    assert_eq!(ben.author_of(StateItem::Note(0)), Some(ADA));
}

/// Whatever other programs put into the document stays, as deep as it may be, with its authors.
#[test]
fn everything_that_shows_is_taken_over() {
    use automerge::transaction::Transactable;
    use automerge::{ObjType, ROOT, ReadDoc};
    let (mut ada, mut ben) = (Document::new(DocKind::State, ADA), Document::new(DocKind::State, BEN));
    let first = ada.edit(|tx| {
        let list = tx.raw.put_object(ROOT, "list", ObjType::List)?;
        for n in 0..3_i64 {
            tx.raw.insert(&list, 0, n)?;
        }
        let map = tx.raw.insert_object(&list, 1, ObjType::Map)?;
        tx.raw.put(&map, "bytes", vec![0_u8, 255])?;
        let text = tx.raw.put_object(&map, "text", ObjType::Text)?;
        Ok(tx.raw.splice_text(&text, 0, 0, "déjà")?)
    });
    ben.handle_payload(ADA, first.unwrap().unwrap());
    ben.flush();
    let second = ben.edit(|tx| {
        let Some((_, list)) = tx.raw.get(ROOT, "list")? else { return Ok(()) };
        tx.raw.put(&list, 0, "replaced")?;
        tx.raw.delete(&list, 2)?;
        Ok(tx.raw.put(ROOT, "long", "x".repeat(60_000))?)
    });
    ada.handle_payload(BEN, second.unwrap().unwrap());
    ada.flush();
    let shown = |document: &Document| document.view.as_ref().unwrap().read(|doc| Ok(doc.hydrate(None))).unwrap();
    let before = shown(&ada);
    roll(&mut ada, 0);
    assert!(shown(&ada) == before);
    let by = |key: &str| {
        let read = |doc: &automerge::Automerge| Ok(doc.get(ROOT, key)?.map(|(_, id)| id.to_string()));
        ada.view.as_ref().unwrap().read(read).unwrap().unwrap()
    };
    assert!(by("list").ends_with(&ADA.to_string()) && by("long").ends_with(&BEN.to_string()));
    // What shows is all there is: beginning anew again changes nothing.
    let heads = ada.heads();
    roll(&mut ada, 0);
    assert_eq!(ada.heads(), heads);
    // Of two titles set at once the one that shows stays, and its author with it.
    let title = ben.set_title("ben").unwrap().unwrap();
    let mut eve = Document::new(DocKind::State, EVE);
    eve.set_title("eve").unwrap();
    for (author, payload) in ben.log_for_test().into_iter().chain([(BEN, title)]) {
        eve.handle_payload(author, payload);
    }
    eve.flush();
    let shown = |document: &Document| (document.state().title, document.author_of(StateItem::Title));
    let before = shown(&eve);
    roll(&mut eve, 0);
    assert_eq!(shown(&eve), before);
    let empty = &mut Document::new(DocKind::State, ADA);
    roll(empty, 0);
    assert_eq!(empty.len_changes(), 0);
}

/// A reply names its line by author and number, so numbers must mean the same for good.
#[test]
fn newest_lines_stay_under_their_numbers_and_the_oldest_pages_go() {
    let [mut ada, mut ben] = [ADA, BEN].map(|author| Document::new(DocKind::Chat, author));
    for n in 0..5 {
        let line = say(&mut ben, &format!("early {n}"));
        ada.handle_payload(BEN, line);
    }
    ada.flush();
    for n in 0..300 {
        say(&mut ada, &format!("line {n}"));
    }
    ada.take_news();
    let reply = Draft { reply: Some((BEN, 4)), ..text("who was that?") };
    ada.say(&reply, Wall(8)).unwrap();
    let said = ada.messages().to_vec();
    roll(&mut ada, 100);
    let is_kept = |line: &&super::super::Message| line.author == ADA && line.n >= 128;
    let same = |line: &super::super::Message| (line.author, line.n, line.time, line.reply, line.text.clone());
    assert!(ada.messages().iter().map(same).eq(said.iter().filter(is_kept).map(same)));
    assert_eq!((lines(&ada).len(), ada.take_lost(), ada.take_news().len()), (301 - 128, Vec::new(), 1));
    // Ben, of whom nothing is left, goes on with numbers that nobody else had.
    ben.adopt_generation(1, &keep(&[(BEN, 5)]), &ada.save_checkpoint().unwrap(), &ada.heads_digest()).unwrap();
    let late = [say(&mut ben, "late"), say(&mut ben, "later")];
    late.into_iter().for_each(|line| ada.handle_payload(BEN, line));
    assert_eq!(ada.flush().refused, []);
    assert_eq!((ada.heads(), ada.messages()), (ben.heads(), ben.messages()));
    assert_eq!(ada.messages().last().map(|line| (line.author, line.n)), Some((BEN, 129)));
    assert!(ada.save().is_some());
    roll(&mut ada, 1);
    roll(&mut ada, 0);
    assert_eq!((lines(&ada), ada.generation()), (Vec::new(), 3));
    let next = say(&mut ada, "anew");
    assert_eq!((ada.messages()[0].n, super::super::gate::parse_canonical(&next).is_ok()), (384, true));
}

/// An answer in flight finds the line that it answers, though both come again.
#[test]
fn replies_in_flight_keep_what_they_reply_to() {
    let [mut ada, mut ben] = [ADA, BEN].map(|author| Document::new(DocKind::Chat, author));
    let asked = say(&mut ben, "why?");
    ada.handle_payload(BEN, asked);
    ada.flush();
    ada.say(&Draft { reply: Some((BEN, 0)), ..text("because") }, Wall(9)).unwrap();
    for document in [&mut ada, &mut ben] {
        document.roll(&BTreeMap::new(), ALL).unwrap();
        assert!(document.owes() && document.messages().is_empty());
    }
    assert!(ben.can_resay() && !ada.can_resay());
    ben.resay().into_iter().for_each(|payload| ada.handle_payload(BEN, payload));
    ada.flush();
    assert!(ada.can_resay());
    ada.resay().into_iter().for_each(|payload| ben.handle_payload(ADA, payload));
    ben.flush();
    assert_eq!((ben.messages(), ben.heads()), (ada.messages(), ada.heads()));
    assert_eq!(ben.messages().iter().map(|line| line.reply).collect::<Vec<_>>(), [None, Some((BEN, 0))]);
}

/// What is typed into a paragraph while the document begins anew ends up in that paragraph.
#[test]
fn notes_in_flight_stay_beside_their_neighbours() {
    let [mut ada, mut ben] = [ADA, BEN].map(|author| Document::new(DocKind::State, author));
    let base = ada.edit_notes(0, 0, "one two three").unwrap().unwrap();
    ben.handle_payload(ADA, base);
    ben.flush();
    let (known, checkpoint) = (keep(&[(ADA, 1)]), {
        ada.roll(&keep(&[(ADA, 1)]), 0).unwrap();
        (ada.save_checkpoint().unwrap(), ada.heads_digest())
    });
    ben.edit_notes(4, 3, "2").unwrap();
    ben.edit_notes(5, 0, "!").unwrap();
    ben.edit_notes(0, 1, "O").unwrap();
    let mut laggard = Document::new(DocKind::State, BEN);
    for (author, payload) in ben.log_for_test() {
        laggard.handle_payload(author, payload);
    }
    laggard.flush();
    ben.roll(&known, 0).unwrap();
    laggard.adopt_generation(1, &known, &checkpoint.0, &checkpoint.1).unwrap();
    for mut document in [ben, laggard] {
        assert_eq!((document.heads(), document.state().notes), (ada.heads(), "one two three".into()));
        assert_eq!(document.resay().len(), 3);
        assert_eq!(document.state().notes, "One 2! three");
    }
}

/// The base is the host's word where somebody lacks what it was made of: it has to be that word, and pass the gate.
#[test]
fn hostile_base_is_refused_without_harm() {
    let mut ada = Document::new(DocKind::State, ADA);
    ada.set_title("honest").unwrap();
    let mut ben = Document::new(DocKind::State, BEN);
    ben.edit_notes(0, 0, "in flight").unwrap();
    let (before, mut forged) = (ben.heads(), Document::new(DocKind::State, ADA));
    forged.set_title("forged").unwrap();
    for document in [&mut ada, &mut forged] {
        roll(document, 0);
    }
    let (plaintext, heads) = (forged.save_checkpoint().unwrap(), ada.heads_digest());
    assert_eq!(ben.adopt_generation(1, &BTreeMap::new(), &plaintext, &heads), Err(CheckpointError::Heads));
    let chat = Document::new(DocKind::Chat, ADA).save_checkpoint().unwrap();
    assert_eq!(ben.adopt_generation(1, &BTreeMap::new(), &chat, &heads), Err(CheckpointError::Heads));
    assert!(ben.adopt_generation(1, &BTreeMap::new(), &plaintext[..plaintext.len() - 1], &heads).is_err());
    // A document that lacks what the owner has cut waits, and goes on as it was.
    let lacking = ben.roll(&keep(&[(ADA, 1)]), 0);
    assert_eq!(lacking, Err(CheckpointError::Incomplete { author: ADA }));
    assert_eq!((ben.heads(), ben.generation(), ben.owes()), (before, 0, false));
    // Changes of the generation before build on nothing that is there.
    let (mut old, payload) = (Document::new(DocKind::State, EVE), ada.set_title("next").unwrap().unwrap());
    old.handle_payload(ADA, payload);
    assert_eq!((old.flush().changed, old.len_waiting()), (false, 1));
}

/// The owner must know by itself when it is time, and must not begin anew for nothing.
#[test]
fn it_is_time_when_little_of_much_shows() {
    let mut ada = Document::new(DocKind::State, ADA);
    let large = "x".repeat(4_000);
    for _ in 0..6 {
        ada.edit_notes(0, 0, &large).unwrap();
    }
    assert_eq!(ada.roll_due(), None);
    for _ in 0..6 {
        ada.edit_notes(0, 4_000, "").unwrap();
        ada.edit_notes(0, 0, &large).unwrap();
    }
    assert!(ada.len_ops() > 50_000);
    assert_eq!(ada.roll_due(), None, "a third of it shows");
    for _ in 0..5 {
        ada.edit_notes(0, 4_000, "").unwrap();
    }
    assert_eq!(ada.roll_due(), Some(0));
    roll(&mut ada, 0);
    assert_eq!((ada.roll_due(), ada.len_ops()), (None, 4_000));
    assert_eq!(Document::new(DocKind::Chat, ADA).roll_due(), None);
}

/// What a replica does.
#[derive(Clone, Debug)]
enum Deed {
    Note(u8),
    Set,
    Say,
    Hear { from: u8, count: u8 },
}

fn deed() -> impl Strategy<Value = (u8, Deed)> {
    let hear = || (any::<u8>(), 1..8_u8).prop_map(|(from, count)| Deed::Hear { from, count });
    let deed = prop_oneof![any::<u8>().prop_map(Deed::Note), Just(Deed::Set), Just(Deed::Say), hear(), hear()];
    (any::<u8>(), deed)
}

/// Replicas that write what can be told apart, so that nothing can be lost unnoticed.
struct Room {
    replicas: Vec<[Document; 2]>,
    /// What each published since the last roll.
    lanes: Vec<[Vec<Bytes>; 2]>,
    heard: Vec<Vec<[usize; 2]>>,
    /// Who made each mark: a character of the notes, and a key.
    notes: Vec<usize>,
    keys: Vec<usize>,
    /// Lines said, by author.
    said: Vec<Vec<String>>,
    read: Vec<Vec<(AuthorId, u64, String)>>,
}

impl Room {
    fn new(replicas: usize) -> Self {
        let documents = |n| [DocKind::State, DocKind::Chat].map(|kind| Document::new(kind, author(n)));
        Self {
            replicas: (0..replicas).map(documents).collect(),
            lanes: vec![Default::default(); replicas],
            heard: vec![vec![[0; 2]; replicas]; replicas],
            notes: Vec::new(),
            keys: Vec::new(),
            said: vec![Vec::new(); replicas],
            read: vec![Vec::new(); replicas],
        }
    }

    fn mark(n: usize) -> char {
        char::from_u32(0x4e00 + n as u32).unwrap()
    }

    fn run(&mut self, who: usize, deed: &Deed) {
        let [state, chat] = &mut self.replicas[who];
        match deed {
            Deed::Note(place) => {
                let place = usize::from(*place) % (state.state().notes.chars().count() + 1);
                let written = state.edit_notes(place, 0, &Self::mark(self.notes.len()).to_string()).unwrap();
                self.lanes[who][0].extend(written);
                self.notes.push(who);
            }
            Deed::Set => {
                let written = state.set_app(&self.keys.len().to_string(), "1").unwrap();
                self.lanes[who][0].extend(written);
                self.keys.push(who);
            }
            Deed::Say => {
                let line = format!("line {}", self.said[who].len());
                let written = say(chat, &line);
                self.lanes[who][1].push(written);
                self.said[who].push(line);
            }
            Deed::Hear { from, count } => self.hear(who, usize::from(*from) % self.lanes.len(), (*count).into()),
        }
    }

    fn hear(&mut self, who: usize, from: usize, count: usize) {
        for kind in 0..2 {
            let document = &mut self.replicas[who][kind];
            for payload in self.lanes[from][kind].iter().skip(self.heard[who][from][kind]).take(count) {
                document.handle_payload(author(from), payload.clone());
                self.heard[who][from][kind] += 1;
            }
            assert_eq!(document.flush().refused, []);
        }
        self.read_news(who);
    }

    fn read_news(&mut self, who: usize) {
        let news = self.replicas[who][1].take_news();
        self.read[who].extend(news.into_iter().map(|line| (line.author, line.n, line.text)));
    }

    /// Lets everybody hear everything, one after the other from `first` on.
    fn settle(&mut self, first: usize) {
        let all = self.replicas.len();
        for who in (0..all).map(|who| (who + first) % all) {
            (0..all).for_each(|from| self.hear(who, (from + first) % all, usize::MAX));
        }
    }

    /// The first replica cuts everything where it is; all begin anew, those in `late` from its checkpoint.
    fn roll(&mut self, lines: u32, late: u8, first: usize) {
        let all = self.replicas.len();
        let kept: [BTreeMap<AuthorId, u64>; 2] = self.replicas[0].each_ref().map(all_of);
        let left: Vec<(usize, usize, Bytes)> = (0..2)
            .flat_map(|kind| (0..all).map(move |n| (kind, n)))
            .flat_map(|(kind, n)| {
                let based = self.replicas[0][kind].based_of(author(n));
                let count = kept[kind].get(&author(n)).copied().unwrap_or_default() - based;
                self.lanes[n][kind].iter().take(count as usize).map(move |payload| (kind, n, payload.clone()))
            })
            .collect();
        (0..all).for_each(|who| self.read_news(who));
        let mut published = vec![<[Vec<Bytes>; 2]>::default(); all];
        let mut checkpoints = Vec::new();
        for who in 0..all {
            for kind in 0..2 {
                let document = &mut self.replicas[who][kind];
                if who == 0 {
                    document.roll(&kept[kind], lines).unwrap();
                    checkpoints.push((document.save_checkpoint().unwrap(), document.heads_digest()));
                } else if late >> who & 1 == 1 {
                    let (plaintext, heads) = &checkpoints[kind];
                    document.adopt_generation(document.generation() + 1, &kept[kind], plaintext, heads).unwrap();
                } else {
                    for (_, n, payload) in left.iter().filter(|(of, ..)| *of == kind) {
                        document.handle_payload(author(*n), payload.clone());
                    }
                    assert_eq!(document.flush().refused, []);
                    document.roll(&kept[kind], lines).unwrap();
                }
                assert_eq!(document.heads_digest(), checkpoints[kind].1, "everybody makes the same base");
            }
        }
        self.heard = vec![vec![[0; 2]; all]; all];
        for who in (0..all).map(|who| (who + first) % all) {
            for (kind, document) in self.replicas[who].iter_mut().enumerate() {
                published[who][kind] = document.resay();
                assert!(!document.owes());
            }
            self.read_news(who);
        }
        self.lanes = published;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whoever had heard what when the documents began anew, twice: nothing is lost, all are alike, and everything still
    /// says who wrote it.
    #[test]
    fn concurrent_edits_survive_a_new_generation(
        replicas in 2..=8_usize, deeds in proptest::array::uniform3(proptest::collection::vec(deed(), 0..24)),
        late in any::<u8>(), first in 0..8_usize,
    ) {
        let mut room = Room::new(replicas);
        let [one, two, three] = &deeds;
        for deeds in [one, two] {
            deeds.iter().for_each(|(who, deed)| room.run(usize::from(*who) % replicas, deed));
            room.roll(ALL, late, first);
        }
        three.iter().for_each(|(who, deed)| room.run(usize::from(*who) % replicas, deed));
        room.settle(first);
        room.settle(first + 1);
        let [state, chat] = &room.replicas[0];
        let mut marks: Vec<char> = state.state().notes.chars().collect();
        for (place, mark) in marks.iter().enumerate() {
            let by = room.notes[(u32::from(*mark) - 0x4e00) as usize];
            prop_assert_eq!(state.author_of(StateItem::Note(place)), Some(author(by)));
        }
        marks.sort_unstable();
        prop_assert_eq!(marks, (0..room.notes.len()).map(Room::mark).collect::<Vec<_>>());
        for (key, by) in room.keys.iter().enumerate() {
            prop_assert_eq!(state.author_of(StateItem::App(&key.to_string())), Some(author(*by)));
        }
        for (n, said) in room.said.iter().enumerate() {
            let mut lines: Vec<_> = chat.messages().iter().filter(|line| line.author == author(n)).collect();
            lines.sort_by_key(|line| line.n);
            prop_assert!(lines.iter().map(|line| &line.text).eq(said), "each once, in order");
        }
        let all: usize = room.said.iter().map(Vec::len).sum();
        prop_assert_eq!(chat.messages().len(), all);
        for (who, replica) in room.replicas.iter().enumerate() {
            prop_assert_eq!(replica.each_ref().map(Document::heads), [state.heads(), chat.heads()]);
            prop_assert_eq!((replica[0].state(), replica[1].messages()), (state.state(), chat.messages()));
            prop_assert_eq!(room.read[who].len(), all, "each line is read once");
        }
        prop_assert!(room.replicas.iter_mut().all(|[_, chat]| chat.take_lost().is_empty()));
    }
}
