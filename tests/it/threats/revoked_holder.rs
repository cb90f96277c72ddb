//! Somebody who was a member and is not any more: whose link was revoked, who was kicked, whom the panic key met, or
//! whose link has expired. She has kept all that she had, the link, her keys, the old epoch's secret, a share that she
//! passed on, and a relay helps her with all that it has.
//!
//! Each attack is made in each of the four cases.

use self::gone::{BELOW, BELOW_LATE, Gone, NAME_AFTER, OUTPUT_AFTER, SAID_AFTER, TITLE_AFTER, Way, share_below};
use super::canary::{Canary, contains, found};
use super::held::{Held, Trial};
use super::helped::{forged_screen, input, past_relay};
use super::stage::{PANE, Stage};
use crate::attacks::eve::{Eve, frame};
use crate::attacks::table::ADA;
use cahoots::Token;
use cahoots::proto::doc::Presence;
use cahoots::proto::epoch::{wrap_epoch, wrap_recipient};
use cahoots::proto::id::{Channel, Epoch, LaneId};
use cahoots::proto::key::Secret32;
use cahoots::proto::seal::LaneWriter;
use cahoots::proto::session::{Ending, Peer};
use cahoots::proto::share::ShareFlags;
use cahoots::proto::token::Access;
use cahoots::proto::wire::{CloseCode, Frame, Whereabouts, WireEntry};
use std::collections::BTreeSet;

mod documents;
mod gone;
mod stop;

/// Makes an attack in all four cases.
fn in_all_cases(attack: impl Fn(&mut Gone, &mut Trial)) -> Held {
    let mut trial = Trial::default();
    for way in Way::ALL {
        attack(&mut Gone::by(way), &mut trial);
    }
    trial.held()
}

/// All that the relay ever held is hers, and with all keys that she ever had she reads nothing that came after.
fn nothing_new_is_read(channels: impl Fn(Channel) -> bool + Copy, words: &[&str], lanes: &[Channel]) -> Held {
    in_all_cases(|gone, trial| {
        gone.go_on();
        let mut ring = gone.ring.clone();
        ring.study(&gone.stage.table.frames());
        let is_meant = |opened: &super::keyring::Opened| channels(opened.lane.channel);
        trial.gets_nothing("old keys open what is new", gone.opened_since(&ring).into_iter().filter(is_meant));
        let read = gone.opened_since(&gone.ring_of_newcomer());
        let has = |channel: &Channel| read.iter().any(|opened| opened.lane.channel == *channel);
        trial.works("a newcomer's keys open every kind of it", lanes.iter().all(has));
        let read: Vec<u8> = read.into_iter().filter(is_meant).flat_map(|opened| opened.plaintext).collect();
        trial.works("a newcomer reads it", words.iter().all(|word| contains(&read, word.as_bytes())));
    })
}

/// What is on the screen after somebody was thrown out is why they were.
#[test]
fn output_cannot_be_read() -> Held {
    nothing_new_is_read(|channel| channel.pane().is_some(), &[OUTPUT_AFTER], &[Channel::terminal(PANE).unwrap()])
}

/// The lanes' old keys were hers, the host's signature never was: under no epoch does she draw a prompt.
#[test]
fn output_cannot_be_forged() -> Held {
    in_all_cases(|gone, trial| {
        let channel = Channel::terminal(PANE).unwrap();
        let host = gone.stage.author(ADA);
        let recorded = gone.stage.entries(channel);
        for guise in gone.guises() {
            for author in [host, guise.me()] {
                let mut forged = forged_screen(&guise, author);
                let lane = LaneId { channel, author, epoch: Epoch(1) };
                let under_new = forged.iter().map(|entry| {
                    WireEntry::encode(entry.kind, lane, entry.seq + 1_000, entry.body(), entry.signature())
                });
                forged.extend(under_new.collect::<Vec<_>>());
                past_relay(&mut gone.stage.table, gone.stage.cat, &guise, &forged);
                trial.fails("she draws", gone.stage.screen_of(gone.stage.cat), gone.stage.true_screen());
            }
        }
        // What the host showed while she was there, once more.
        let eve = gone.eve.clone();
        past_relay(&mut gone.stage.table, gone.stage.cat, &eve, &recorded);
        trial.fails("she plays it back", gone.stage.screen_of(gone.stage.cat), gone.stage.true_screen());
        gone.go_on();
        trial.works("the host draws", gone.stage.screen_of(gone.stage.cat).concat().contains("flood"));
    })
}

/// Nor the chat, the notes, a title, or who points where; nor what the owner's checkpoint says of all that was before.
#[test]
fn documents_cannot_be_read() -> Held {
    let is_document = |channel: Channel| channel.pane().is_none();
    let [state, chat] = [Channel::STATE_CHECKPOINT, Channel::CHAT_CHECKPOINT];
    nothing_new_is_read(is_document, &[SAID_AFTER, TITLE_AFTER, NAME_AFTER], &[Channel::PRESENCE, state, chat])
}

/// A key typed by somebody who was thrown out a moment ago must not reach the shell: not the next one of its channel,
/// not an old one again, not in a new guise.
#[test]
fn input_cannot_be_forged() -> Held {
    in_all_cases(|gone, trial| {
        let typed = gone.stage.typed();
        let recorded = gone.stage.entries(Channel::TO_HOST);
        let next = gone.direct.seal(3, &gone.eve.keys, &input().encode());
        let eve = gone.eve.clone();
        past_relay(&mut gone.stage.table, ADA, &eve, &[next]);
        past_relay(&mut gone.stage.table, ADA, &eve, &recorded);
        for guise in gone.guises() {
            past_relay(&mut gone.stage.table, ADA, &guise, &guise.seal_direct(3, &input()));
            through_honest_relay(gone, trial, &guise, &guise.seal_direct(3, &input()));
        }
        trial.fails("she types", gone.stage.typed(), typed.clone());
        gone.stage.table.peers[gone.dan].type_bytes(PANE, b"ls").unwrap();
        gone.stage.table.pass(1_000_000);
        trial.works("a newcomer types", gone.stage.typed() == [&typed[..], b"ls"].concat());
    })
}

/// Comes back by hand to an honest relay in some guise, and sends what she likes, proof or not.
fn through_honest_relay(gone: &mut Gone, trial: &mut Trial, guise: &Eve, entries: &[WireEntry]) {
    let (session, share) = (guise.secret.session(), guise.secret.share_id());
    let Some((conn, binding)) = gone.stage.table.greet_by_hand(session, share) else {
        return trial.fails("an honest relay knows her link", gone.way == Way::Kicked && is_hers(gone, guise), false);
    };
    gone.stage.table.send(conn, &guise.auth(&guise.chain, &binding));
    let told = gone.stage.table.read(conn);
    let refusals = [CloseCode::ShareClosed, CloseCode::Expired, CloseCode::ShareUnknown];
    let is_refused = |frame: &Frame| matches!(frame, Frame::Close(code) if refusals.contains(code));
    trial.fails("an honest relay lets her in", told.iter().any(is_refused), true);
    entries.iter().for_each(|entry| gone.stage.table.send(conn, &frame(entry)));
    trial.gets_nothing("an honest relay tells her more", gone.stage.table.read(conn));
}

/// Whether a guise came by the link itself, which stays open for who else came by it.
fn is_hers(gone: &Gone, guise: &Eve) -> bool {
    guise.secret.share_id() == gone.eve.secret.share_id()
}

/// No wrap of the new epoch opens for her, whoever it is for; and none is made for what she passed on.
#[test]
fn keys_of_the_new_epoch_cannot_be_stolen() -> Held {
    in_all_cases(|gone, trial| {
        gone.go_on();
        gone.stage.table.inject(ADA, share_below(&gone.eve, BELOW_LATE));
        gone.stage.table.pass(1_000_000);
        let frames = gone.stage.table.frames();
        let before: BTreeSet<[u8; 32]> = gone.ring.secrets().copied().collect();
        let mut ring = gone.ring.clone();
        ring.study(&frames);
        let commit = gone.stage.table.peers[ADA].log().commit(Epoch(1)).unwrap();
        let opens = |secret: &&[u8; 32]| cahoots::proto::epoch::EpochSecret::from_bytes(**secret).commit() == commit;
        trial.gets_nothing("her keys open the new epoch", ring.secrets().filter(opens));
        let newcomer = gone.ring_of_newcomer();
        trial.works("a newcomer's do", newcomer.secrets().any(|secret| opens(&secret)));
        trial.works("she had those of the old one", before.contains(gone.eve.epoch_secret().expose()));

        let hers: Vec<[u8; 16]> = gone.guises().iter().map(|guise| guise.secret.share_id().0).collect();
        let made = frames.iter().filter_map(|frame| match frame {
            Frame::Wrap(raw) => Some(raw),
            _ => None,
        });
        let new = made.filter(|raw| wrap_epoch(raw) != Some(Epoch(0)));
        let for_her = new.filter(|raw| wrap_recipient(raw).is_some_and(|to| hers.contains(&to)));
        trial.gets_nothing("a wrap of the new epoch is for her", for_her);
    })
}

/// Neither she nor anybody whom she gives her link, or one below it, gets in: not by our program, not by hand.
#[test]
fn same_link_cannot_be_joined_again() -> Held {
    in_all_cases(|gone, trial| {
        let session = gone.stage.session();
        let below = [BELOW, BELOW_LATE].map(|seed| Token::new(Access::Interact, &session, seed, ShareFlags::NONE));
        for (token, is_own) in [(&gone.token.clone(), true), (&below[0], false), (&below[1], false)] {
            let again = gone.stage.table.join(token);
            gone.stage.table.pass(1_000_000);
            let peer = &gone.stage.table.peers[again];
            trial.fails("a program gets in", (peer.is_linked(), peer.messages().len()), (false, 0));
            if is_own {
                let ending = if gone.way == Way::Expired { Ending::Expired } else { Ending::Revoked };
                trial.fails("it is not told why", peer.ended(), Some(ending));
            }
        }
        for guise in gone.guises() {
            through_honest_relay(gone, trial, &guise, &[]);
        }
        let dans = gone.dans.clone();
        let another = gone.stage.table.join(&dans);
        trial.works("another link is joined", gone.stage.table.peers[another].is_linked());
    })
}

/// A helping relay shows her friend the log as it was: the friend sees the past, and nobody takes the friend for a member.
#[test]
fn old_log_lets_nobody_in() -> Held {
    in_all_cases(|gone, trial| {
        let (old, token) = (gone.eve.log.records().to_vec(), gone.token.clone());
        let friend = gone.stage.table.add(Peer::guest(token.secret().unwrap(), [0x77; 32]));
        // The relay's own answers never come; what it makes up instead does.
        gone.stage.table.tap = Some(Box::new({
            let conns = gone.stage.table.wire.iter().map(|passed| passed.conn).max().unwrap();
            move |conn, _, frame| if conn > conns { vec![] } else { vec![frame] }
        }));
        gone.stage.table.connect(friend);
        let wrap = gone.eve.epoch_secret().wrap(
            Epoch(0),
            token.secret().unwrap().kek(),
            token.secret().unwrap().share_id().as_bytes(),
            &gone.stage.session(),
        );
        let welcome = cahoots::proto::wire::Welcome {
            nonce: [1; 32],
            standing: cahoots::proto::wire::Standing::Known,
            records: old.len() as u64,
            shares: 0,
            wraps: 1,
        };
        let ready = cahoots::proto::wire::Ready { log_next: gone.eve.log.next_seq() };
        let told = std::iter::once(Frame::Welcome(welcome)).chain(old.into_iter().map(Frame::Log));
        for frame in told.chain([Frame::Wrap(wrap), Frame::Ready(ready)]) {
            // An honest clock ends it at once where the link has expired.
            if gone.stage.table.peers[friend].ended().is_none() {
                gone.stage.table.inject(friend, frame);
            }
        }
        if gone.way != Way::Expired {
            trial.works("the friend believes it", gone.stage.table.peers[friend].me().is_some());
        }
        gone.go_on();
        trial.fails(
            "what the friend sees counts as live",
            gone.stage.table.peers[friend].is_live(gone.stage.table.now),
            false,
        );
        let said = gone.stage.said_at(friend);
        trial.gets_nothing("the friend reads what is new", said.iter().filter(|line| *line == SAID_AFTER));
        trial.works("members read it", gone.stage.said_at(gone.stage.cat).contains(&SAID_AFTER.to_owned()));
    })
}

/// Who came after her is nobody of hers to know: no name, no chain, no whereabouts. Of newcomers the owner's public
/// record has pseudonyms, where it cuts their lanes, and nothing else.
#[test]
fn new_members_cannot_be_learned() -> Held {
    in_all_cases(|gone, trial| {
        gone.go_on();
        let mut ring = gone.ring.clone();
        ring.study(&gone.stage.table.frames());
        let names = |opened: &super::keyring::Opened| contains(&opened.plaintext, NAME_AFTER.as_bytes());
        trial.gets_nothing("she reads a newcomer's name", gone.opened_since(&ring).into_iter().filter(names));
        let read = gone.opened_since(&gone.ring_of_newcomer());
        trial.works("members do", read.iter().any(names));

        // What honest relays tell who asks by her links.
        let (dan, session) = (gone.stage.author(gone.dan), gone.stage.session());
        let chain = gone.stage.table.peers[ADA].roster().member(&dan).unwrap().chain().clone();
        let canaries = [
            Canary::new("pseudonym", dan.as_bytes()),
            Canary::new("certificate", &chain.member.as_bytes()[34..66]),
            Canary::text("name", NAME_AFTER),
        ];
        for guise in gone.guises() {
            let conn = gone.stage.table.connect_hand();
            let (nonce, share) = ([7; 32], guise.secret.share_id());
            gone.stage.table.send(conn, &Frame::Hello(cahoots::proto::wire::Hello { nonce, session, share }));
            gone.stage.table.send(conn, &guise.member_frame());
            gone.stage.table.pass(6_000_000);
            let told = gone.stage.table.read(conn);
            let is_more = |frame: &&Frame| match frame {
                Frame::Welcome(_) | Frame::Log(_) | Frame::Ping(_) | Frame::Close(_) => false,
                // Of a link that is closed but for some she is told what she has had.
                Frame::Wrap(raw) => wrap_epoch(raw) != Some(Epoch(0)),
                Frame::Share(passed_on) => passed_on.certs[0] != guise.chain.shares[0],
                _ => true,
            };
            trial.gets_nothing("an honest relay tells her more than the log", told.iter().filter(is_more));
            let bytes: Vec<u8> = told.iter().flat_map(Frame::encode).collect();
            trial.gets_nothing("an honest relay names a newcomer", found(&canaries, &bytes));
        }
        let heard: Vec<u8> = gone
            .stage
            .table
            .frames_of(gone.stage.table.conn_of(gone.stage.cat), crate::attacks::table::Heading::FromRelay)
            .iter()
            .flat_map(Frame::encode)
            .collect();
        trial.works("members are told", found(&canaries[..2], &heard).len() == 2);
    })
}
