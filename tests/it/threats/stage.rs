//! A whole session in memory, full of words that only its members may know, and a relay that can be made to lie.
//!
//! Ada hosts and owns; Ben may type; Cat looks on. Everything that passes the relay is kept in [`Table::wire`].

use super::canary::Canary;
use super::keyring::Keyring;
use crate::attacks::table::{ADA, START, Table};
use cahoots::proto::doc::CursorAt;
use cahoots::proto::id::{AuthorId, Channel, PaneId, SessionId};
use cahoots::proto::key::{MemberKeys, derive};
use cahoots::proto::session::{Event, Peer};
use cahoots::proto::terminal::{Screen, Size, StreamEvent};
use cahoots::proto::token::{Access, Token};
use cahoots::proto::wire::{Frame, WireEntry};

pub(crate) const DAY_MS: u64 = 86_400_000;
pub(crate) const PANE: PaneId = PaneId(0);

/// What the program in the terminal writes.
pub(crate) const OUTPUT: &str = "output-of-the-zebra";
/// What Ben types.
pub(crate) const TYPED: &str = "typed-by-the-okapi";
/// What Ben says.
pub(crate) const SAID: &str = "said-by-the-walrus";
const TITLE: &str = "title-of-the-badger";
const NOTES: &str = "notes-of-the-ferret";
const APP: &str = "app-of-the-marmot";
const NAME: &str = "name-of-the-ocelot";
const COMMAND: &str = "command-of-the-lynx";

/// The session.
pub(crate) struct Stage {
    pub(crate) table: Table,
    pub(crate) view: Token,
    pub(crate) interact: Token,
    pub(crate) ben: usize,
    pub(crate) cat: usize,
}

impl Stage {
    /// Has everybody in, and everything said and shown once.
    pub(crate) fn new() -> Self {
        Self::at(Table::new())
    }

    /// The same with another owner.
    pub(crate) fn of_another_owner() -> Self {
        let mut table = Table::without_host();
        table.add(Peer::host([3; 32], [4; 32], START).unwrap());
        table.open_pane();
        table.connect(ADA);
        Self::at(table)
    }

    fn at(mut table: Table) -> Self {
        let (view, interact) = (table.share(Access::View, DAY_MS), table.share(Access::Interact, DAY_MS));
        let (ben, cat) = (table.join(&interact), table.join(&view));
        let mut stage = Self { table, view, interact, ben, cat };
        stage.table.peers[cat].watch(PANE);
        stage.table.pass(1_000_000);
        stage.fill();
        stage
    }

    /// Says and shows everything.
    fn fill(&mut self) {
        let (now, ben, table) = (self.table.now, self.ben, &mut self.table);
        table.peers[ADA].set_title(TITLE).unwrap();
        table.peers[ADA].open_pane("a second one", COMMAND, Size::new(31, 7)).unwrap();
        table.peers[ben].edit_notes(0, 0, NOTES).unwrap();
        table.peers[ben].set_app("key", &format!("\"{APP}\"")).unwrap();
        table.peers[ben].present(|presence| {
            presence.name = NAME.into();
            presence.cursor = Some(CursorAt { pane: PANE, row: 3, col: 14 });
        });
        table.peers[ben].say(&SAID.into(), now).unwrap();
        table.peers[ADA].output(PANE, OUTPUT.as_bytes(), now).unwrap();
        table.peers[ben].type_bytes(PANE, TYPED.as_bytes()).unwrap();
        table.pass(6_000_000);
        assert_eq!(self.said_at(ADA), [SAID]);
        assert!(self.shown(self.cat).windows(OUTPUT.len()).any(|shown| shown == OUTPUT.as_bytes()));
        assert_eq!(self.typed(), TYPED.as_bytes());
    }

    /// What nobody but members may know, and of the keys what not even members need to.
    pub(crate) fn canaries() -> Vec<Canary> {
        let words = [
            ("output", OUTPUT),
            ("input", TYPED),
            ("chat", SAID),
            ("title", TITLE),
            ("notes", NOTES),
            ("app", APP),
            ("name", NAME),
            ("command", COMMAND),
        ];
        words.map(|(name, word)| Canary::text(name, word)).into()
    }

    /// All secrets of the session, as far as they can be named from outside.
    pub(crate) fn secrets(&self) -> Vec<Canary> {
        let mut secrets = Vec::new();
        for token in [&self.view, &self.interact] {
            let text = token.reveal();
            // The first 31 characters only name the session, which everybody may know.
            secrets.push(Canary::text("token", &text[31..]));
            secrets.push(Canary::text("token in capitals", &text[31..].to_uppercase()));
            secrets.push(Canary::new("share kek", token.secret().unwrap().kek().expose()));
        }
        let ring = self.ring_of_reader();
        secrets.extend(ring.secrets().map(|secret| Canary::new("secret of a reader", secret)));
        secrets.push(Canary::new("root seed", &[1; 32]));
        secrets.push(Canary::new("seed of the host", &[2; 32]));
        secrets
    }

    /// What Cat can know: the control of everything that a stranger must not read.
    pub(crate) fn ring_of_reader(&self) -> Keyring {
        let mut ring = Keyring::empty(self.session()).with_share(&self.view.secret().unwrap());
        assert!(ring.study(&self.table.frames()) > 0, "the link opens the session");
        ring
    }

    /// What Ada can know of the direct channel.
    pub(crate) fn ring_of_host(&self) -> Keyring {
        Keyring::empty(self.session()).with_member(self.author(ADA), host_keys())
    }

    pub(crate) fn session(&self) -> SessionId {
        self.table.peers[ADA].session()
    }

    pub(crate) fn author(&self, index: usize) -> AuthorId {
        self.table.peers[index].me().unwrap()
    }

    pub(crate) fn said_at(&self, index: usize) -> Vec<String> {
        self.table.chat(index)
    }

    /// What a peer was shown of the terminal, all of it in a row.
    pub(crate) fn shown(&self, index: usize) -> Vec<u8> {
        let data = |event: &Event| match event {
            Event::Terminal(_, StreamEvent::Keyframe { data, .. } | StreamEvent::Output { data, .. }) => {
                Some(data.clone())
            }
            Event::Terminal(_, StreamEvent::Past { lines, keyframe, .. }) => Some([&lines[..], keyframe].concat()),
            _ => None,
        };
        self.table.events[index].iter().filter_map(data).collect::<Vec<_>>().concat()
    }

    /// The terminal as a peer shows it.
    pub(crate) fn screen_of(&self, index: usize) -> Vec<String> {
        let mut screen = Screen::new(Size::new(20, 5));
        for event in &self.table.events[index] {
            match event {
                Event::Terminal(PANE, StreamEvent::Keyframe { size, data, .. }) => screen.restore(*size, data),
                Event::Terminal(PANE, StreamEvent::Output { data, .. }) => screen.write(data),
                Event::Terminal(PANE, StreamEvent::Past { size, lines, keyframe, .. }) => {
                    screen.begin_anew(*size, lines, keyframe);
                }
                _ => {}
            }
        }
        screen.text()
    }

    /// The terminal as it is.
    pub(crate) fn true_screen(&self) -> Vec<String> {
        self.table.peers[ADA].screen(PANE).unwrap().text()
    }

    /// What the host's program was given to read.
    pub(crate) fn typed(&self) -> Vec<u8> {
        self.table.inputs().into_iter().flat_map(|(_, bytes)| bytes).collect()
    }

    /// The entries of a channel that the relay has seen, each once, in order.
    pub(crate) fn entries(&self, channel: Channel) -> Vec<WireEntry> {
        let mut entries: Vec<WireEntry> = Vec::new();
        for entry in self.table.frames().iter().filter_map(entry_of).filter(|entry| entry.lane.channel == channel) {
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        entries
    }
}

/// The keys of the host that [`Table::new`] starts: the one place where a test knows what only Ada does.
pub(crate) fn host_keys() -> MemberKeys {
    MemberKeys::from_seed(derive("peer member keys", &[&[2; 32]]))
}

pub(crate) fn entry_of(frame: &Frame) -> Option<WireEntry> {
    match frame {
        Frame::Entry(raw) => WireEntry::decode(raw.clone()).ok(),
        _ => None,
    }
}
