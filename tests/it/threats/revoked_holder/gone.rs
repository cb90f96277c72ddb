//! Eve, who was a member for a while and made the most of it, and the session that went on without her.

use crate::attacks::eve::{Eve, frame};
use crate::attacks::table::{ADA, Table};
use crate::threats::helped::{have_nothing, input};
use crate::threats::keyring::{Keyring, Opened};
use crate::threats::stage::{DAY_MS, PANE, Stage};
use cahoots::Token;
use cahoots::proto::doc::{CursorAt, DocKind, Document};
use cahoots::proto::id::{Channel, Epoch};
use cahoots::proto::key::ShareSecret;
use cahoots::proto::seal::{DirectGuest, LaneWriter, pad_durable, seal_share_kek};
use cahoots::proto::session::ShareTerms;
use cahoots::proto::share::{Rights, ShareCert, ShareFlags};
use cahoots::proto::token::Access;
use cahoots::proto::wire::{Frame, PassedOn, WireEntry};
use std::collections::BTreeSet;

/// What is shown, typed, said, noted and pointed at once Eve is gone.
pub(super) const OUTPUT_AFTER: &str = "output-after-the-flood";
pub(super) const SAID_AFTER: &str = "said-after-the-flood";
pub(super) const TITLE_AFTER: &str = "title-after-the-flood";
pub(super) const NAME_AFTER: &str = "name-after-the-flood";
const TYPED_AFTER: &str = "typed-after-the-flood";
const NOTES_AFTER: &str = "notes-after-the-flood";

/// How long a link that is about to expire lasts, in milliseconds.
const SHORT_MS: u64 = 10_000;
/// When the owner has closed it at the latest, in seconds: 120 s of skew and 10 s of grace later.
const EXPIRED_S: u64 = 145;
/// The seed of the share that Eve passed on while she could, and of one that she makes when she cannot.
pub(super) const BELOW: [u8; 16] = [0x42; 16];
pub(super) const BELOW_LATE: [u8; 16] = [0x43; 16];

/// How somebody ceases to be a member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// The link is revoked.
    Revoked,
    /// She alone is removed; somebody else who came by her link stays.
    Kicked,
    /// The owner revokes everything at once.
    Panic,
    /// The link's time is up.
    Expired,
}

impl Way {
    pub(super) const ALL: [Self; 4] = [Self::Revoked, Self::Kicked, Self::Panic, Self::Expired];
}

/// The session without Eve, and Eve without the session.
pub(super) struct Gone {
    pub(super) way: Way,
    pub(super) stage: Stage,
    /// Who came after she went.
    pub(super) dan: usize,
    pub(super) dans: Token,
    pub(super) eve: Eve,
    pub(super) token: Token,
    /// Her direct channel, chat and lane of it, where she left them.
    pub(super) direct: DirectGuest,
    pub(super) chat: Document,
    pub(super) lane: LaneWriter,
    /// All keys that she ever had or can make.
    pub(super) ring: Keyring,
    /// How much of the wire she had heard when she went.
    heard: usize,
}

impl Gone {
    pub(super) fn by(way: Way) -> Self {
        let mut stage = Stage::new();
        let lasts_ms = if way == Way::Expired { SHORT_MS } else { DAY_MS };
        let terms = ShareTerms { lasts_ms, may_pass_on: true, ..ShareTerms::new(Access::Interact) };
        let token = stage.table.share_by(&terms);
        let eve = Eve::join(&mut stage.table, &token).unwrap();
        if way == Way::Kicked {
            stage.table.join(&token);
        }
        have_nothing(&mut stage.table, &eve);
        let (mut direct, mut chat) = (eve.direct(), Document::new(DocKind::Chat, eve.me()));
        let mut lane = eve.writer(Channel::CHAT);
        let said = chat.say(&"eve was here".into(), stage.table.now.wall).unwrap().unwrap();
        let said = lane.seal(1, &eve.keys, &pad_durable(&said));
        let open = direct.seal(1, &eve.keys, &[]);
        let typed = direct.seal(3, &eve.keys, &input().encode());
        let frames = [&said, &open, &typed].map(frame).into_iter().chain([share_below(&eve, BELOW)]);
        frames.for_each(|frame| stage.table.send(eve.conn, &frame));
        stage.table.pass(1_000_000);
        // All of this works as long as she is a member: it is the control of everything that follows.
        assert!(stage.said_at(stage.cat).contains(&"eve was here".to_owned()), "she speaks");
        assert!(stage.typed().ends_with(b"rm -rf /\n"), "she types");
        let passed_on = stage.table.peers[ADA].shares().iter().filter(|share| share.passed_on_below.is_some()).count();
        assert_eq!(passed_on, 1, "she passes on");
        let ring = Keyring::empty(stage.session()).with_share(&eve.secret).with_share(&below(&eve, BELOW));
        let ring = ring.with_share(&below(&eve, BELOW_LATE)).with_member(eve.me(), eve.keys.clone());
        let mut ring = ring.with_secret(*direct.kek().expose()).with_secret(*eve.epoch_secret().expose());
        assert!(ring.study(&stage.table.frames()) > 0, "her keys open the session");
        let dans = token.clone();
        let mut gone = Self { way, dan: stage.cat, stage, dans, eve, token, direct, chat, lane, ring, heard: 0 };
        gone.happen();
        gone
    }

    /// She goes, and Dan comes.
    fn happen(&mut self) {
        let (now, table) = (self.stage.table.now, &mut self.stage.table);
        match self.way {
            Way::Revoked => table.revoke(&self.token),
            Way::Kicked => drop(table.peers[ADA].kick(self.eve.me(), now).unwrap()),
            Way::Panic => drop(table.peers[ADA].revoke_all(now).unwrap()),
            // Until the owner closes the link a relay can help her to read, so long as it dares to be at odds with clocks.
            Way::Expired => {
                let is_open = |table: &Table| table.peers[ADA].log().epoch() == Some(Epoch(0));
                for _ in 0..EXPIRED_S {
                    if is_open(table) {
                        table.pass_long(1_000_000);
                    }
                }
                assert!(!is_open(table), "the owner closes what has expired");
            }
        }
        table.settle();
        self.heard = table.wire.len();
        if self.way == Way::Panic {
            // Those who are wanted get new links.
            (self.stage.view, self.stage.interact) =
                (table.share(Access::View, DAY_MS), table.share(Access::Interact, DAY_MS));
            self.stage.ben = table.join(&self.stage.interact);
            self.stage.cat = table.join(&self.stage.view);
            table.peers[self.stage.cat].watch(PANE);
        }
        self.dans = table.share(Access::Interact, DAY_MS);
        self.dan = table.join(&self.dans);
        table.peers[self.dan].watch(PANE);
        table.pass(6_000_000);
    }

    /// Shows, types, says and tells something new of every kind.
    pub(super) fn go_on(&mut self) {
        let (ben, dan, table) = (self.stage.ben, self.dan, &mut self.stage.table);
        table.peers[ADA].set_title(TITLE_AFTER).unwrap();
        table.peers[ben].edit_notes(0, 0, NOTES_AFTER).unwrap();
        table.peers[dan].say(&SAID_AFTER.into(), table.now).unwrap();
        table.peers[dan].present(|presence| {
            presence.name = NAME_AFTER.into();
            presence.cursor = Some(CursorAt { pane: PANE, row: 2, col: 1 });
        });
        table.peers[ADA].output(PANE, OUTPUT_AFTER.as_bytes(), table.now).unwrap();
        table.peers[dan].type_bytes(PANE, TYPED_AFTER.as_bytes()).unwrap();
        table.pass(6_000_000);
        assert!(self.stage.said_at(ADA).contains(&SAID_AFTER.to_owned()));
        assert!(self.stage.typed().ends_with(TYPED_AFTER.as_bytes()));
    }

    /// Returns what of all that was said since she went `ring` opens.
    pub(super) fn opened_since(&self, ring: &Keyring) -> Vec<Opened> {
        let frames = self.stage.table.frames();
        let place = |frame: &Frame| crate::threats::stage::entry_of(frame).map(|entry| (entry.lane, entry.seq));
        let before: BTreeSet<_> = frames[..self.heard].iter().filter_map(place).collect();
        ring.read(&frames).into_iter().filter(|opened| !before.contains(&(opened.lane, opened.seq))).collect()
    }

    /// Returns what Dan, who came after her, can open.
    pub(super) fn ring_of_newcomer(&self) -> Keyring {
        let mut ring = Keyring::empty(self.stage.session()).with_share(&self.dans.secret().unwrap());
        assert!(ring.study(&self.stage.table.frames()) > 0, "a newcomer's link opens the new epoch");
        ring
    }

    /// Returns all whom a lie may reach: the host, members of before, a newcomer.
    pub(super) fn victims(&self) -> [usize; 4] {
        [ADA, self.stage.ben, self.stage.cat, self.dan]
    }

    /// Makes what she would be known by if she came again: as she was, as another by her link, by the one below it.
    pub(super) fn guises(&self) -> Vec<Eve> {
        let mut guises = vec![self.eve.clone(), self.eve.another([0x51; 32])];
        guises.extend([BELOW, BELOW_LATE].map(|seed| below_it(&self.eve, seed)));
        guises
    }

    /// Writes the next line of her chat where she left off, in the old epoch, as if she had said it in time.
    pub(super) fn back_dated(&mut self) -> WireEntry {
        let said = self.chat.say(&"I said so before".into(), self.stage.table.now.wall).unwrap().unwrap();
        self.lane.seal(1, &self.eve.keys, &pad_durable(&said))
    }
}

/// The secret of a share that Eve draws.
pub(super) fn below(eve: &Eve, seed: [u8; 16]) -> ShareSecret {
    ShareSecret::new(&eve.secret.session(), seed, ShareFlags::NONE, None)
}

fn below_cert(eve: &Eve, seed: [u8; 16]) -> ShareCert {
    let share = &eve.chain.shares[0];
    let terms = cahoots::proto::share::ShareTerms {
        rights: Rights::INTERACT,
        depth_left: 0,
        not_before: share.not_before,
        expires: share.expires,
        max_members: 0,
        flags: ShareFlags::NONE,
    };
    ShareCert::issue_below(share, &eve.secret, &below(eve, seed), terms)
}

/// A member by the share that Eve passed on, to herself.
fn below_it(eve: &Eve, seed: [u8; 16]) -> Eve {
    let (secret, cert) = (below(eve, seed), below_cert(eve, seed));
    let mut other = eve.another([seed[0]; 32]);
    let (from, until) = (cert.not_before, cert.expires);
    other.chain.member = cahoots::proto::member::MemberCert::issue(&secret, &other.keys, Rights::INTERACT, from, until);
    other.chain.shares.insert(0, cert);
    other.secret = secret;
    other
}

/// SHARE for it, as Eve can make it with what she knows of epochs.
pub(super) fn share_below(eve: &Eve, seed: [u8; 16]) -> Frame {
    let (secret, host) = (below(eve, seed), eve.log.host_member().unwrap());
    let (session, share) = (secret.session(), secret.share_id());
    let wrap = eve.epoch_secret().wrap(eve.log.epoch().unwrap(), secret.kek(), share.as_bytes(), &session);
    let sealed_kek = seal_share_kek(host.kem_public(), &session, &share, secret.kek(), [6; 32]).unwrap();
    Frame::Share(PassedOn { certs: vec![below_cert(eve, seed), eve.chain.shares[0].clone()], wrap, sealed_kek })
}
