//! Somebody with a link for looking on, who knows the epoch's secret, speaks the protocol by hand and has the relay's
//! help: read-only means read-only all the same. This is what sshx leaves to its server.

use super::held::{Held, Trial};
use super::helped::*;
use super::stage::{Stage, TYPED};
use crate::attacks::eve::{Eve, frame};
use crate::attacks::table::{ADA, START, Table};
use cahoots::proto::doc::{DocKind, Document, PaneInfo, PaneStatus, Presence};
use cahoots::proto::id::PaneId;
use cahoots::proto::id::{AuthorId, Channel};
use cahoots::proto::limits::AUTHORS_MAX;
use cahoots::proto::terminal::{DirectUp, Size, Wish};
use cahoots::proto::token::Access;
use cahoots::proto::wire::{CloseCode, Frame, WireEntry};

/// Eve has the reader's key of each lane, and the relay's help; what she lacks is the host's signature.
#[test]
fn output_cannot_be_forged() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let eve = Eve::join(&mut stage.table, &stage.view.clone()).unwrap();
    for author in [stage.author(ADA), eve.me()] {
        let forged = forged_screen(&eve, author);
        past_relay(&mut stage.table, stage.cat, &eve, &forged);
        trial.fails("Eve draws on the screen", stage.screen_of(stage.cat), stage.true_screen());
    }
    let eve = Eve::join(&mut stage.table, &stage.view.clone()).unwrap();
    let code = through_relay(&mut stage.table, &eve, &forged_screen(&eve, eve.me()));
    trial.fails("an honest relay helps", code, Some(CloseCode::NoRight));
    let now = stage.table.now;
    stage.table.peers[ADA].output(PANE, b"genuine", now).unwrap();
    stage.table.pass(1_000_000);
    trial.works("the host draws", stage.screen_of(stage.cat).concat().contains("genuine"));
    trial.held()
}

/// What Ben types is sealed to the host alone: Eve's link opens all the rest, and none of it.
#[test]
fn input_cannot_be_read() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let eve = Eve::join(&mut stage.table, &stage.view.clone()).unwrap();
    let frames = stage.table.frames();
    let ring = stage.ring_of_reader().with_all_that_is_public(&frames).with_member(eve.me(), eve.keys.clone());
    let is_direct = |channel: Channel| channel == Channel::TO_HOST || channel == Channel::FROM_HOST;
    let direct: Vec<Frame> = frames
        .iter()
        .filter(|frame| super::stage::entry_of(frame).is_none_or(|entry| is_direct(entry.lane.channel)))
        .cloned()
        .collect();
    trial.gets_nothing("a reader's keys open what is typed", ring.read(&direct));
    let read = stage.ring_of_host().read(&direct);
    let is_it = |plaintext: &[u8]| super::canary::contains(plaintext, TYPED.as_bytes());
    trial.works("the host's do", read.iter().any(|opened| is_it(&opened.plaintext)));
    trial.held()
}

/// Typing needs a right that is in no key: not through the relay, not past it, not dressed as something else.
#[test]
fn input_cannot_be_forged() -> Held {
    let mut trial = Trial::default();
    let inputs_by = |access: Access, kind: u8| {
        let mut table = Table::new();
        let token = table.share(access, DAY_MS);
        let eve = Eve::join(&mut table, &token).unwrap();
        let typed = eve.seal_direct(kind, &input());
        let code = through_relay(&mut table, &eve, &typed);
        past_relay(&mut table, ADA, &eve, &typed);
        (code, table.inputs().len())
    };
    trial.fails("Eve types", inputs_by(Access::View, 3), (Some(CloseCode::NoRight), 0));
    // The relay sees kinds, not contents: input dressed as a request passes it, and must stop at the host.
    trial.fails("Eve smuggles input", inputs_by(Access::View, 2), (None, 0));
    trial.works("who may type does", inputs_by(Access::Interact, 3) == (None, 1));

    // In Ben's name: his chain is public, his key is not.
    let (mut stage, typed) = (Stage::new(), TYPED.as_bytes().to_vec());
    let eve = Eve::join(&mut stage.table, &stage.view.clone()).unwrap();
    let last = stage.entries(Channel::TO_HOST).into_iter().max_by_key(|entry| entry.seq).unwrap();
    let [_, mine] = eve.seal_direct(3, &input());
    let forged = WireEntry::encode(3, last.lane, last.seq + 1, mine.body(), mine.signature());
    past_relay(&mut stage.table, ADA, &eve, &[forged]);
    trial.fails("Eve types as Ben", stage.typed(), typed);
    trial.held()
}

/// Titles, notes and settings belong to those who may control.
#[test]
fn state_cannot_be_forged() -> Held {
    let mut trial = Trial::default();
    let title_by = |access: Access| {
        let mut table = Table::new();
        let tokens = (table.share(access, DAY_MS), table.share(Access::Interact, DAY_MS));
        let ben = table.join(&tokens.1);
        let eve = Eve::join(&mut table, &tokens.0).unwrap();
        let payload = Document::new(DocKind::State, eve.me()).set_title("mine").unwrap().unwrap();
        let entry = [eve.seal(Channel::STATE, 1, &payload)];
        let code = through_relay(&mut table, &eve, &entry);
        [ADA, ben].into_iter().for_each(|victim| past_relay(&mut table, victim, &eve, &entry));
        (code, [ADA, ben].map(|victim| table.peers[victim].state().title))
    };
    trial.fails("Eve sets the title", title_by(Access::View), (Some(CloseCode::NoRight), ["", ""].map(String::from)));
    trial.works("who may control does", title_by(Access::Interact) == (None, ["mine", "mine"].map(String::from)));
    trial.held()
}

/// How large a shell is, and whether it is open, is not for onlookers to say: by no entry, and by no wish to the host.
#[test]
fn terminals_cannot_be_opened_resized_or_closed() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let panes = |stage: &Stage| [ADA, stage.ben, stage.cat].map(|peer| stage.table.peers[peer].state().panes);
    let sizes = |stage: &Stage| stage.table.peers[ADA].screen(PANE).map(cahoots::Screen::size);
    let before = (panes(&stage), sizes(&stage));
    let mine =
        PaneInfo { title: "mine".into(), cols: 3, status: PaneStatus::Exited { code: 0 }, ..PaneInfo::default() };
    for pane in [PANE, PaneId(7)] {
        let eve = Eve::join(&mut stage.table, &stage.view.clone()).unwrap();
        let payload = Document::new(DocKind::State, eve.me()).set_pane(pane, &mine).unwrap().unwrap();
        let forged = [eve.seal(Channel::STATE, 1, &payload)];
        let wish = eve.seal_direct(2, &DirectUp::Size { pane, size: Size::new(3, 3) });
        let drive = eve.another([pane.0 as u8; 32]);
        let wishes = drive.seal_direct(2, &DirectUp::Drive { pane, wish: Wish::Take });
        past_relay(&mut stage.table, ADA, &eve, &wish);
        past_relay(&mut stage.table, ADA, &drive, &wishes);
        let code = through_relay(&mut stage.table, &eve, &forged);
        trial.fails("an honest relay passes it on", code, Some(CloseCode::NoRight));
        for victim in [ADA, stage.ben, stage.cat] {
            past_relay(&mut stage.table, victim, &eve, &forged);
        }
        trial.fails("Eve opens, resizes or closes", (panes(&stage), sizes(&stage)), before.clone());
        trial.fails("Eve drives", stage.table.peers[ADA].driver(PANE), None);
    }
    let now = stage.table.now;
    stage.table.peers[ADA].resize_pane(PANE, Size::new(30, 6), now).unwrap();
    stage.table.pass(1_000_000);
    trial.works("the host resizes", sizes(&stage) == Some(Size::new(30, 6)) && panes(&stage) != before.0);
    trial.held()
}

/// Eve may chat; in nobody's name but her own.
#[test]
fn chat_of_others_cannot_be_forged() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    for author in [stage.author(ADA), stage.author(stage.ben), stage.author(stage.cat)] {
        let eve = Eve::join(&mut stage.table, &stage.view.clone()).unwrap();
        for (entry, what) in [
            (said_as(&eve, author, author), "in another's lane"),
            (said_as(&eve, eve.me(), author), "in another's name in her own lane"),
        ] {
            let before = stage.said_at(ADA);
            let code = through_relay(&mut stage.table, &eve, std::slice::from_ref(&entry));
            // Ben has an entry in this place, so that the relay takes Eve's for one that it has.
            let is_known = author == stage.author(stage.ben);
            let is_judged = entry.lane.author != eve.me() && !is_known;
            trial.fails("an honest relay passes it on", code.is_some(), is_judged);
            past_relay(&mut stage.table, stage.cat, &eve, &[entry]);
            for victim in [ADA, stage.ben, stage.cat] {
                trial.fails(what, stage.said_at(victim), before.clone());
            }
        }
    }
    // Where somebody points and what they are called is theirs to say, too.
    let eve = Eve::join(&mut stage.table, &stage.view.clone()).unwrap();
    let victim = stage.author(stage.ben);
    let presence = Presence { name: "fool".into(), leaving: true, ..Presence::default() };
    let forged = eve.seal_as(victim, Channel::PRESENCE, 1, &presence.encode(victim));
    let code = through_relay(&mut stage.table, &eve, std::slice::from_ref(&forged));
    trial.fails("Eve points as Ben", code, Some(CloseCode::NoRight));
    past_relay(&mut stage.table, ADA, &eve, &[forged]);
    let name = |stage: &Stage| {
        stage.table.peers[ADA].roster().presence(&victim).map(|presence| presence.name.clone()).unwrap_or_default()
    };
    trial.fails("Eve renames Ben", name(&stage).starts_with("name-of"), true);

    let eve = Eve::join(&mut stage.table, &stage.view.clone()).unwrap();
    let own = said_as(&eve, eve.me(), eve.me());
    through_relay(&mut stage.table, &eve, &[own]);
    trial.works("Eve speaks for herself", stage.said_at(ADA).contains(&"I resign".to_owned()));
    trial.held()
}

fn said_as(eve: &Eve, lane: AuthorId, actor: AuthorId) -> WireEntry {
    let payload = Document::new(DocKind::Chat, actor).say(&"I resign".into(), START.wall).unwrap().unwrap();
    eve.seal_as(lane, Channel::CHAT, 1, &cahoots::proto::seal::pad_durable(&payload))
}

/// More rights or more time than the link has must not come from signing oneself a better certificate.
#[test]
fn wider_or_later_share_cannot_be_made() -> Held {
    cannot_be_widened(Access::View).held()
}

/// Who else is there is told by names, not by addresses: of all that the relay knows of connections, nothing passes.
#[test]
fn addresses_of_others_cannot_be_learned() -> Held {
    super::wire::addresses_cannot_be_learned(Access::View)
}

/// A link for looking on must not be enough to drive anybody out, to fill the session, or to slow it down.
#[test]
fn session_cannot_be_stopped() -> Held {
    let mut trial = Trial::default();
    let mut table = Table::new();
    let tokens = (table.share(Access::View, DAY_MS), table.share(Access::Interact, DAY_MS));
    let cat = table.join(&tokens.0);
    let eve = Eve::join(&mut table, &tokens.0).unwrap();
    // Relays pass presence on unchecked: if receivers left the relay for a bad one, any viewer could empty the session.
    let mut presence = eve.seal_as(eve.me(), Channel::PRESENCE, 1, &Presence::default().encode(eve.me()));
    for seq in 0..3 {
        presence = WireEntry::encode(1, presence.lane, seq, presence.body(), &[7; 64]);
        table.send(eve.conn, &frame(&presence));
    }
    table.pass(1_000_000);
    for index in [ADA, cat] {
        trial.fails("badly signed presence drives others out", table.peers[index].is_linked(), true);
    }
    // Whoever has a link can certify any number of members. They come, they go, and there must still be room.
    for seed in 0..AUTHORS_MAX as u64 {
        let seed = *blake3::hash(&seed.to_le_bytes()).as_bytes();
        table.inject(ADA, eve.another(seed).member_frame());
    }
    trial.works("the host's list is full", table.peers[ADA].roster().known() == AUTHORS_MAX);
    let ben = table.join(&tokens.1);
    table.peers[ben].type_bytes(PANE, b"ls\n").unwrap();
    table.pass(1_000_000);
    trial.fails("a crowd by one link leaves no room", table.inputs(), vec![(PANE, b"ls\n".to_vec())]);
    trial.held()
}

/// What Eve stores and asks for costs the others nothing: a flood of hers is held back, and they go on.
#[test]
fn flood_does_not_reach_others() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let eve = Eve::join(&mut stage.table, &stage.view.clone()).unwrap();
    have_nothing(&mut stage.table, &eve);
    let mut presence = eve.writer(Channel::PRESENCE);
    let mut is_slowed = false;
    for n in 0..2_000_u32 {
        let plaintext = Presence { colour: n as u8, ..Presence::default() }.encode(eve.me());
        let flow = stage.table.send_and_see(eve.conn, &frame(&presence.seal(1, &eve.keys, &plaintext)));
        is_slowed |= flow != cahoots::proto::relay::Flow::Continue;
    }
    trial.fails("nobody holds a flood back", is_slowed, true);
    let before = stage.table.wire.len();
    stage.table.pass(1_000_000);
    let down = stage.table.wire[before..].len();
    trial.fails("the flood goes on to everybody", down < 200, true);
    let now = stage.table.now;
    stage.table.peers[stage.ben].say(&"undisturbed".into(), now).unwrap();
    stage.table.pass(1_000_000);
    trial.works("others go on", stage.said_at(stage.cat).contains(&"undisturbed".to_owned()));
    trial.held()
}
