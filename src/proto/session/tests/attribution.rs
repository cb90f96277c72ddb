//! Every line, edit and keystroke has an author, and every author a link.

use super::*;
use crate::proto::doc::StateItem;

/// What a peer knows of an author: the link and the name.
fn who(peer: &Peer, author: AuthorId) -> Option<(ShareId, &str)> {
    let (member, name) = peer.roster().writer(&author)?;
    Some((member.share(), name))
}

/// A reader of old lines asks who that was, whom nobody has seen for days and whose link is long revoked.
#[test]
fn newcomer_knows_who_wrote_what_came_by_checkpoint() {
    let mut wire = Wire::new();
    let terms = ShareTerms { lasts_ms: HOUR_MS, may_pass_on: true, ..ShareTerms::new(Access::Interact) };
    let token = wire.share_by(&terms);
    let (ben, now) = (wire.join(&token), wire.now);
    wire.peers[ben].present(|presence| presence.name = "ben".into());
    let below = wire.peers[ben].pass_on(&ShareTerms::new(Access::Interact), now).unwrap();
    wire.settle();
    let dan = wire.join(&below);
    wire.peers[dan].present(|presence| presence.name = "dan".into());
    wire.say(ben, "by ben");
    wire.say(dan, "by dan");
    wire.peers[ben].set_app("key", "1").unwrap();
    wire.pass(6_000_000);
    wire.revoke(share_of(&token));
    let other = wire.share(Access::View);
    let cat = wire.join(&other);
    wire.pass(3_000_000);
    assert_eq!(wire.assert_equal(&[cat]), ["by ben", "by dan"]);
    let authors: Vec<_> = wire.peers[cat].messages().iter().map(|line| line.author).collect();
    let expected = [(share_of(&token), "ben"), (share_of(&below), "dan")];
    for (author, (share, name)) in authors.into_iter().zip(expected) {
        assert_eq!(who(&wire.peers[cat], author), Some((share, name)));
        assert_eq!(who(&wire.peers[0], author), Some((share, name)));
    }
    assert_eq!(wire.peers[cat].author_of(StateItem::App("key")), Some(wire.id(ben)));
    assert_eq!(who(&wire.peers[cat], AuthorId([9; 16])), None);
}

/// When a setting is wrong, people want to know who set it, and by which link that one came.
#[test]
fn state_says_who_changed_what_last() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.pass(100_000);
    wire.peers[ben].set_title("by ben").unwrap();
    wire.peers[ben].set_app("key", "1").unwrap();
    wire.peers[ben].edit_notes(0, 0, "ad").unwrap();
    wire.pass(100_000);
    wire.peers[cat].set_title("by cat").unwrap();
    wire.peers[cat].edit_notes(1, 0, "n").unwrap();
    wire.pass(100_000);
    let (host, ben_id, cat_id) = (wire.id(0), wire.id(ben), wire.id(cat));
    for index in [0, ben, cat] {
        let of = |item| wire.peers[index].author_of(item);
        assert_eq!([StateItem::Title, StateItem::App("key")].map(of), [Some(cat_id), Some(ben_id)]);
        assert_eq!([0, 1, 2, 3].map(|at| of(StateItem::Note(at))), [Some(ben_id), Some(cat_id), Some(ben_id), None]);
        assert_eq!([StateItem::Pane(pane), StateItem::App("none")].map(of), [Some(host), None]);
    }
}

/// What reaches a program names who typed it: its certificate has the link.
#[test]
fn keystrokes_name_their_typist_and_its_link() {
    let mut wire = Wire::new();
    let tokens = [wire.share(Access::Interact), wire.share(Access::Interact)];
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let guests = [wire.join(&tokens[0]), wire.join(&tokens[1])];
    wire.pass(300_000);
    wire.events(0);
    for guest in guests {
        wire.peers[guest].type_bytes(pane, b"x").unwrap();
        wire.pass(100_000);
    }
    let events = wire.events(0);
    let typed = events.iter().filter_map(|event| match event {
        Event::Input(_, author, _) => who(wire.host(), *author).map(|(share, ..)| share),
        _ => None,
    });
    assert_eq!(typed.collect::<Vec<_>>(), tokens.map(|token| share_of(&token)));
}
