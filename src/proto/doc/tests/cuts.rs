//! What the owner's cuts take back is gone everywhere, and what honest people wrote is not.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::merge::{World, author, story};
use super::*;

fn keep(lanes: &[(AuthorId, u64)]) -> BTreeMap<AuthorId, u64> {
    lanes.iter().copied().collect()
}

fn texts(messages: &[super::super::Message]) -> Vec<&str> {
    messages.iter().map(|message| message.text.as_str()).collect()
}

/// A document of Ada's, who has heard of Eve's change before the owner cut it away.
fn with_eves<T>(kind: DocKind, edit: impl FnOnce(&mut Document) -> T) -> (Document, T) {
    let (mut ada, mut eve) = (Document::new(kind, ADA), Document::new(kind, EVE));
    let made = edit(&mut eve);
    for (author, payload) in eve.log_for_test() {
        ada.handle_payload(author, payload);
    }
    ada.flush();
    (ada, made)
}

/// Revoking somebody must take back what the owner had not let in, and must not stop anybody else.
#[test]
fn a_cut_takes_back_what_is_behind_it_and_what_builds_on_that_waits() {
    let [mut ada, mut ben, mut eve] = [ADA, BEN, EVE].map(|author| Document::new(DocKind::Chat, author));
    let kept = say(&mut eve, "kept");
    let cut = say(&mut eve, "cut");
    for payload in [&kept, &cut] {
        ben.handle_payload(EVE, payload.clone());
        ada.handle_payload(EVE, payload.clone());
    }
    ben.flush();
    let reply = say(&mut ben, "on top");
    ada.handle_payload(BEN, reply.clone());
    ada.flush();
    assert_eq!(texts(&ada.take_news()), ["kept", "cut", "on top"]);
    let lost = ada.retract(&keep(&[(EVE, 1)]));
    assert_eq!(lost, [(EVE, 2, cut.clone())]);
    let applied = ada.flush();
    assert_eq!((applied.changed, applied.refused), (true, Vec::new()));
    assert_eq!((lines(&ada), ada.len_waiting(), ada.owes()), (vec!["kept"], 1, false));
    assert!(!ada.is_muted(EVE) && !ada.is_muted(BEN));
    // Should Eve's line come again under the new epoch, everything is as it was, and nobody reads it twice.
    ada.handle_payload(EVE, cut);
    ada.flush();
    assert_eq!(lines(&ada), ["kept", "cut", "on top"]);
    assert_eq!((ada.take_news(), ada.take_lost()), (Vec::new(), Vec::new()));
    assert!(ada.retract(&keep(&[(EVE, 2), (BEN, 1)])).is_empty() && !ada.flush().changed);
}

/// A viewer has to strike out what it showed.
#[test]
fn lines_that_were_read_and_do_not_come_again_are_told_once() {
    let (mut ada, _) = with_eves(DocKind::Chat, |eve| [say(eve, "read"), say(eve, "gone")]);
    assert_eq!(texts(&ada.take_news()), ["read", "gone"]);
    ada.retract(&keep(&[(EVE, 1)]));
    ada.flush();
    assert_eq!((texts(&ada.take_lost()), ada.take_lost().len()), (vec!["gone"], 0));
    let (mut ada, _) = with_eves(DocKind::Chat, |eve| say(eve, "never read"));
    ada.retract(&keep(&[(EVE, 0)]));
    ada.flush();
    assert_eq!((ada.take_news(), ada.take_lost()), (Vec::new(), Vec::new()));
}

/// Two other lines under one number: the second is news, the first one is lost.
#[test]
fn another_line_under_the_number_of_a_lost_one_is_news() {
    let (mut ada, _) = with_eves(DocKind::Chat, |eve| say(eve, "first"));
    ada.take_news();
    ada.retract(&keep(&[(EVE, 0)]));
    ada.handle_payload(EVE, say(&mut Document::new(DocKind::Chat, EVE), "second"));
    ada.flush();
    assert_eq!((texts(&ada.take_news()), texts(&ada.take_lost())), (vec!["second"], vec!["first"]));
}

/// The bad change is behind the cut, so who never saw it takes what its author says now; all must.
#[test]
fn a_refused_lane_starts_anew_behind_the_cut() {
    let (mut ada, mut eve) = (Document::new(DocKind::Chat, ADA), Document::new(DocKind::Chat, EVE));
    ada.handle_payload(EVE, say(&mut eve, "fine"));
    ada.handle_payload(EVE, Bytes::from_static(b"not a change"));
    ada.flush();
    assert!(ada.is_muted(EVE));
    ada.retract(&keep(&[(EVE, 1)]));
    ada.handle_payload(EVE, say(&mut eve, "sorry"));
    ada.flush();
    assert_eq!(lines(&ada), ["fine", "sorry"]);
}

/// The owner had not got it yet: nobody else may notice that it took two epochs to arrive.
#[test]
fn own_changes_cut_short_come_again_with_the_same_bytes() {
    for kind in [DocKind::Chat, DocKind::State] {
        let (mut ada, _) = with_eves(kind, |eve| write(eve, "eve"));
        let own = [write(&mut ada, "one"), write(&mut ada, "two")];
        let heads = ada.heads();
        ada.take_news();
        assert_eq!(ada.retract(&keep(&[(ADA, 0), (EVE, 1)])).len(), 2);
        let applied = ada.flush();
        assert_eq!((applied.again, applied.changed, ada.owes()), (own.to_vec(), true, false));
        assert_eq!((ada.heads(), ada.take_news(), ada.take_lost()), (heads, Vec::new(), Vec::new()));
    }
}

/// A reply to a line of a member who stays keeps its bytes and its target; only who never comes again is not waited for.
#[test]
fn own_changes_wait_for_what_they_build_on_and_are_said_anew_if_it_does_not_come() {
    let (mut ada, cut) = with_eves(DocKind::Chat, |eve| say(eve, "hello"));
    let reply = Draft { reply: Some((EVE, 0)), ..text("hello back") };
    let own = ada.say(&reply, Wall(9)).unwrap().unwrap();
    let more = ada.say(&Draft { reply: Some((ADA, 0)), ..text("and more") }, Wall(10)).unwrap().unwrap();
    ada.take_news();
    ada.retract(&keep(&[(ADA, 0), (EVE, 0)]));
    assert!(ada.flush().again.is_empty() && ada.owes());
    assert_eq!(ada.say(&reply, Wall(11)), Err(EditError::Lane));
    let mut patient = Document::new(DocKind::Chat, ADA);
    for payload in [(EVE, cut.clone()), (ADA, own.clone()), (ADA, more.clone())] {
        patient.handle_payload(payload.0, payload.1);
    }
    patient.flush();
    patient.retract(&keep(&[(ADA, 0), (EVE, 0)]));
    patient.handle_payload(EVE, cut);
    assert_eq!((patient.flush().again, patient.owes()), (vec![own, more], false));

    let anew = ada.resay();
    assert!(anew.len() == 2 && !ada.owes());
    let mut ben = Document::new(DocKind::Chat, BEN);
    for payload in anew {
        ben.handle_payload(ADA, payload);
    }
    assert_eq!((ben.flush().refused, ben.messages()), (Vec::new(), ada.messages()));
    let said: Vec<_> = ben.messages().iter().map(|line| (line.n, line.time.0, line.reply, &*line.text)).collect();
    assert_eq!(said, [(0, 9, None, "hello back"), (1, 10, Some((ADA, 0)), "and more")]);
    assert_eq!((ada.take_news(), texts(&ada.take_lost())), (Vec::new(), vec!["hello"]));
}

/// A paragraph inside a text that is cut away must survive it, in its place among what is left.
#[test]
fn own_edits_of_cut_away_notes_are_said_anew_beside_the_same_neighbours() {
    let (mut ada, mut eve) = (Document::new(DocKind::State, ADA), Document::new(DocKind::State, EVE));
    let base = ada.edit_notes(0, 0, "agenda: end").unwrap().unwrap();
    eve.handle_payload(ADA, base);
    eve.flush();
    let info = |title: &str| PaneInfo { title: title.into(), ..PaneInfo::default() };
    let eves = [
        eve.edit_notes(8, 0, "[eve] ").unwrap().unwrap(),
        eve.set_pane(PaneId(1), &info("eve's")).unwrap().unwrap(),
        eve.set_app("key", "1").unwrap().unwrap(),
    ];
    for payload in eves {
        ada.handle_payload(EVE, payload);
    }
    ada.flush();
    let mut edits = vec![
        ada.edit_notes(11, 0, "ADA"),
        ada.edit_notes(12, 1, "d"),
        ada.edit_notes(0, 1, "A"),
        ada.set_pane(PaneId(1), &info("ada's")),
        ada.set_app("key", "2"),
        ada.edit(|tx| {
            tx.set_app("other", Some("3"))?;
            tx.edit_notes(5, 8, "!")
        }),
        ada.edit(|tx| tx.set_app("key", None)),
        ada.remove_pane(PaneId(7)),
    ];
    assert_eq!(edits.pop(), Some(Ok(None)));
    assert_eq!(ada.state().notes, "Agend!Ae] end");
    ada.retract(&keep(&[(ADA, 1), (EVE, 0)]));
    let anew = ada.resay();
    let state = ada.state();
    assert_eq!((state.notes.as_str(), state.app.get("other").map(String::as_str)), ("Agend!Aend", Some("3")));
    assert_eq!((state.app.get("key"), state.panes[&PaneId(1)].title.as_str()), (None, "ada's"));
    let mut ben = Document::new(DocKind::State, BEN);
    for payload in ada.log_for_test().into_iter().map(|(_, payload)| payload).take(1).chain(anew) {
        ben.handle_payload(ADA, payload);
    }
    assert_eq!((ben.flush().refused, ben.state(), ben.heads()), (Vec::new(), ada.state(), ada.heads()));
    ada.edit_notes(0, 0, "still writing: ").unwrap();
}

/// Two cuts in a row, the second before the first one's losses were said again.
#[test]
fn what_is_owed_from_one_cut_survives_the_next() {
    let (mut ada, _) = with_eves(DocKind::Chat, |eve| say(eve, "gone"));
    say(&mut ada, "stays");
    ada.retract(&keep(&[(ADA, 0), (EVE, 0)]));
    ada.flush();
    ada.retract(&keep(&[(ADA, 0), (EVE, 0)]));
    assert_eq!((ada.flush().again.len(), lines(&ada)), (1, vec!["stays"]));
    // A cut of somebody else's lane alone leaves nothing of hers unpublished.
    let (mut ada, _) = with_eves(DocKind::Chat, |eve| say(eve, "gone"));
    say(&mut ada, "stays");
    ada.retract(&keep(&[(ADA, 0), (EVE, 0)]));
    ada.retract(&keep(&[(EVE, 0)]));
    assert_eq!((ada.flush().again.len(), lines(&ada)), (1, vec!["stays"]));
}

fn write(document: &mut Document, what: &str) -> Bytes {
    match document.kind() {
        DocKind::Chat => say(document, what),
        DocKind::State => document.edit_notes(0, 0, what).unwrap().unwrap(),
    }
}

/// A session in which the first replica owns, and throws the last one out.
struct Session {
    world: World,
    removed: usize,
    /// What each author's lanes keep.
    kept: Vec<[u64; 2]>,
    /// Checkpoints of the owner's documents, made at the cut, and what their records say of them.
    checkpoints: [(Vec<u8>, [u8; 32]); 2],
    /// What was published under the new epoch: document, author, payload.
    published: Vec<(usize, usize, Bytes)>,
    /// What each replica's user has read.
    read: Vec<Vec<(AuthorId, u64, String)>>,
}

impl Session {
    /// Cuts all lanes where the owner's documents end.
    fn cut(mut world: World) -> Self {
        let replicas = world.replicas.len();
        (0..replicas).for_each(|who| world.flush(who));
        let owner = &world.replicas[0];
        let kept = (0..replicas).map(|n| [0, 1].map(|kind| owner[kind].admitted_of(author(n)))).collect();
        let checkpoints = world.replicas[0].each_mut().map(|document| {
            let (plaintext, heads) = (document.save_checkpoint().unwrap(), document.heads_digest());
            (plaintext, heads)
        });
        let (removed, read) = (replicas - 1, vec![Vec::new(); replicas]);
        let mut session = Self { world, removed, kept, checkpoints, published: Vec::new(), read };
        for who in 0..removed {
            session.read_news(who);
            for (kind, document) in session.world.replicas[who].iter_mut().enumerate() {
                document.retract(&session.kept.iter().enumerate().map(|(n, kept)| (author(n), kept[kind])).collect());
            }
            for (kind, n, payload) in session.left_by_cuts() {
                session.world.replicas[who][kind].handle_payload(author(n), payload);
            }
        }
        session
    }

    fn left_by_cuts(&self) -> Vec<(usize, usize, Bytes)> {
        let lanes = self.world.lanes.iter().zip(&self.kept).enumerate();
        let lanes = lanes.flat_map(|(n, (lanes, kept))| [0, 1].map(|kind| (kind, n, &lanes[kind], kept[kind])));
        let payloads = lanes.flat_map(|(kind, n, lane, kept)| {
            lane.iter().take(kept as usize).map(move |payload| (kind, n, payload.clone()))
        });
        payloads.collect()
    }

    /// Lets one of those who stay hear what was published, and publish what it says again.
    fn meet(&mut self, who: usize, patient: bool) {
        for (kind, n, payload) in &self.published {
            self.world.replicas[who][*kind].handle_payload(author(*n), payload.clone());
        }
        for (kind, document) in self.world.replicas[who].iter_mut().enumerate() {
            let mut applied = document.flush();
            assert_eq!(applied.refused, []);
            if !patient {
                applied.again.extend(document.resay());
            }
            self.published.extend(applied.again.into_iter().map(|payload| (kind, who, payload)));
        }
        self.read_news(who);
    }

    fn read_news(&mut self, who: usize) {
        let news = self.world.replicas[who][1].take_news();
        self.read[who].extend(news.into_iter().map(|line| (line.author, line.n, line.text)));
    }

    /// Makes replicas that were not there before, and hear everything in some order.
    fn newcomer(&self, order: u64, by_checkpoint: bool) -> [Document; 2] {
        let mut newcomer = [Document::new(DocKind::State, EVE), Document::new(DocKind::Chat, EVE)];
        let mut all = self.published.clone();
        if by_checkpoint {
            for (document, (plaintext, heads)) in newcomer.iter_mut().zip(&self.checkpoints) {
                document.adopt_checkpoint(plaintext, heads).unwrap();
            }
        } else {
            all.extend(self.left_by_cuts());
        }
        all.sort_by_key(|(.., payload)| {
            payload[4..8].iter().fold(order, |mix, byte| (mix ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
        });
        for (kind, n, payload) in all {
            newcomer[kind].handle_payload(author(n), payload);
        }
        for document in &mut newcomer {
            assert_eq!((document.flush().refused, document.len_waiting()), (Vec::new(), 0));
            assert!(document.save().is_some());
        }
        newcomer
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whoever had heard what when the owner cut: all who stay end alike, and miss nothing that one of them said.
    #[test]
    fn replicas_agree_after_a_cut_and_nothing_of_those_who_stay_is_lost(
        (replicas, steps) in story(), order in any::<u64>(), patience in 0..4_usize,
    ) {
        let mut world = World::new(replicas);
        for (who, step) in steps {
            world.run(usize::from(who) % replicas, step);
        }
        let mut session = Session::cut(world);
        let removed = session.removed;
        for round in 0..=replicas + patience {
            (0..removed).for_each(|who| session.meet(who, round < patience));
        }
        let newcomer = session.newcomer(order, false);
        let [state, chat] = session.newcomer(order, true);
        prop_assert_eq!((state.heads(), chat.heads()), (newcomer[0].heads(), newcomer[1].heads()));
        prop_assert_eq!((state.state(), chat.messages()), (newcomer[0].state(), newcomer[1].messages()));
        for (kind, document) in newcomer.iter().enumerate() {
            let keep = session.kept.iter().enumerate().map(|(n, kept)| (author(n), kept[kind])).collect();
            prop_assert_eq!(document.heads_digest_at(&keep), Some(session.checkpoints[kind].1));
        }
        for (who, [state, chat]) in session.world.replicas.iter_mut().enumerate().take(removed) {
            prop_assert_eq!((state.heads(), chat.heads()), (newcomer[0].heads(), newcomer[1].heads()));
            prop_assert_eq!(state.state(), newcomer[0].state());
            prop_assert_eq!(chat.messages(), newcomer[1].messages());
            prop_assert!(!state.owes() && !chat.owes());
            let mut once = session.read[who].clone();
            once.sort();
            once.dedup();
            prop_assert_eq!(once.len(), session.read[who].len(), "nobody reads a line twice");
            let mut there: Vec<_> = chat.take_lost();
            prop_assert!(there.iter().all(|line| line.author == author(removed)));
            there.extend_from_slice(chat.messages());
            prop_assert_eq!(there.len(), once.len(), "what was read is there or told lost");
        }
        for (n, lanes) in session.world.lanes.iter().enumerate() {
            let expected = if n == removed { session.kept[n][1] as usize } else { lanes[1].len() };
            let said = newcomer[1].messages().iter().filter(|line| line.author == author(n));
            prop_assert_eq!(said.count(), expected);
        }
    }
}
