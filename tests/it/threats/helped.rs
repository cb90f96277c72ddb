//! A member and a relay that help each other: what Eve signs goes both ways, through an honest relay and past it.

use super::held::Trial;
use crate::attacks::eve::{Eve, frame};
use crate::attacks::table::Table;
use cahoots::proto::id::{Channel, PaneId};
use cahoots::proto::terminal::{DirectUp, Screen, Size, StreamEncoder};
use cahoots::proto::token::Access;
use cahoots::proto::wire::{CloseCode, Frame, Have, WireEntry};

pub(crate) const DAY_MS: u64 = 86_400_000;
pub(crate) const PANE: PaneId = PaneId(0);

/// Lets Eve say it through the relay, and returns how she was thrown out, if she was.
pub(crate) fn through_relay(table: &mut Table, eve: &Eve, entries: &[WireEntry]) -> Option<CloseCode> {
    entries.iter().for_each(|entry| table.send(eve.conn, &frame(entry)));
    table.pass(1_000_000);
    table.closed_with(eve.conn)
}

/// Puts it on somebody's link, as a relay that helps Eve would.
pub(crate) fn past_relay(table: &mut Table, victim: usize, eve: &Eve, entries: &[WireEntry]) {
    for frame in std::iter::once(eve.member_frame()).chain(entries.iter().map(frame)) {
        if !table.peers[victim].is_linked() {
            table.connect(victim);
        }
        table.inject(victim, frame);
    }
    table.pass(1_000_000);
    if !table.peers[victim].is_linked() {
        table.connect(victim);
    }
}

/// Tells the relay that Eve holds nothing, so that it sends her all.
pub(crate) fn have_nothing(table: &mut Table, eve: &Eve) {
    for channel in Channel::DURABLE {
        table.send(eve.conn, &Frame::Have(Have { channel, last: true, lanes: vec![] }));
    }
}

/// What Eve would type.
pub(crate) fn input() -> DirectUp {
    DirectUp::Input { pane: PANE, bytes: b"rm -rf /\n".to_vec() }
}

/// A screen that Eve would like to be believed, as entries of her own or of anybody's lane, signed by her.
pub(crate) fn forged_screen(eve: &Eve, author: cahoots::AuthorId) -> Vec<WireEntry> {
    let mut screen = Screen::new(Size::new(20, 5));
    screen.write(b"password: ");
    let channel = Channel::terminal(PANE).unwrap();
    let parts = StreamEncoder::new().keyframe(&screen);
    parts.iter().map(|part| eve.seal_as(author, channel, part.kind, &part.plaintext)).collect()
}

/// Makes certificates with more of something than Eve's link gives, and shows them to relay and members.
pub(crate) fn cannot_be_widened(access: Access) -> Trial {
    use cahoots::proto::member::{Chain, MemberCert};
    use cahoots::proto::share::{Rights, ShareCert, ShareFlags};
    let mut trial = Trial::default();
    let mut table = Table::new();
    let token = table.share(access, DAY_MS);
    let ben = table.join(&token);
    let eve = Eve::join(&mut table, &token).unwrap();
    let share = eve.chain.shares[0].clone();
    let eve = eve.another([9; 32]);
    let issue = |rights, not_before, expires| MemberCert::issue(&eve.secret, &eve.keys, rights, not_before, expires);
    let (later, sooner) = (share.expires.after_ms(1), cahoots::Wall(share.not_before.0 - 1));
    let mut chains: Vec<Chain> = Vec::new();
    let all = Rights::parse(0x7f).unwrap();
    let wider = (0..=0x7f).filter_map(Rights::parse).filter(|rights| !share.rights.contains(*rights));
    for rights in wider {
        let member = issue(rights, share.not_before, share.expires);
        chains.push(Chain { member, shares: vec![share.clone()] });
    }
    for (from, until) in [(share.not_before, later), (sooner, share.expires)] {
        chains.push(Chain { member: issue(share.rights, from, until), shares: vec![share.clone()] });
    }
    // Below her own, which she may not pass on; and in its place, signed by herself.
    let own = cahoots::proto::key::ShareSecret::new(&eve.secret.session(), [0x66; 16], ShareFlags::NONE, None);
    for (rights, expires, depth_left) in
        [(all, share.expires, 0), (share.rights, later, 0), (share.rights, share.expires, 3)]
    {
        let terms = cahoots::proto::share::ShareTerms {
            rights,
            depth_left,
            not_before: share.not_before,
            expires,
            max_members: 0,
            flags: ShareFlags::NONE,
        };
        let below = ShareCert::issue_below(&share, &eve.secret, &own, terms);
        let member = MemberCert::issue(&own, &eve.keys, rights, share.not_before, expires);
        chains.push(Chain { member: member.clone(), shares: vec![below.clone(), share.clone()] });
        let mut forged = share.as_bytes().to_vec();
        (forged[66], forged[67]) = (rights.bits(), depth_left);
        forged[76..84].copy_from_slice(&expires.0.to_le_bytes());
        let forged = ShareCert::decode(&forged).unwrap();
        chains.push(Chain { member: issue(rights, share.not_before, expires), shares: vec![forged] });
    }
    for chain in chains {
        let hello = table.greet_by_hand(eve.secret.session(), chain.member.share);
        if let Some((conn, binding)) = hello {
            table.send(conn, &eve.auth(&chain, &binding));
            trial.fails("a wider certificate joins", table.closed_with(conn), Some(CloseCode::AuthFailed));
        }
        if !table.peers[ben].is_linked() {
            table.connect(ben);
        }
        table.inject(ben, Frame::Member(chain.encode()));
        let is_member = table.peers[ben].roster().member(&chain.member.author()).is_some();
        trial.fails("a wider certificate is a member's", is_member, false);
    }
    let narrower = Chain { member: issue(Rights::READ, share.not_before, share.expires), shares: vec![share.clone()] };
    let (conn, binding) = table.greet_by_hand(eve.secret.session(), share.share).unwrap();
    table.send(conn, &eve.auth(&narrower, &binding));
    trial.works("a narrower one joins", table.closed_with(conn).is_none());
    trial
}
