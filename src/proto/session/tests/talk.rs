//! What a session is for: screens, chat, typing, and their end.

use super::*;

/// The main job: a guest with a link sees the screen, as it is and as it goes on.
#[test]
fn guest_sees_what_the_host_shows() {
    let mut wire = Wire::new();
    let now = wire.now;
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    wire.host().output(pane, b"before \x1b[1mbold\x1b[0m", now).unwrap();
    let token = wire.share(Access::View);
    let ben = wire.join(&token);
    wire.peers[ben].watch(pane);
    wire.pass(300_000);
    let now = wire.now;
    wire.host().output(pane, b" after", now).unwrap();
    wire.pass(300_000);
    let events = wire.events(ben);
    assert_eq!(show(&events).text()[0].trim_end(), "before bold after");
    assert_eq!(show(&events).snapshot(), wire.host().screen(pane).unwrap().snapshot());
    assert!(wire.peers[ben].is_live(wire.now));
    assert!(!events.iter().any(|event| matches!(event, Event::Alarm(_))), "{events:?}");
}

/// A late joiner sees the present screen, and what was said before it came.
#[test]
fn late_guest_gets_screen_and_chat() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    let now = wire.now;
    wire.peers[ben].say(&Draft::from("hello from ben"), now).unwrap();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    wire.host().output(pane, b"line\r\n$ ", now).unwrap();
    wire.pass(200_000);
    let eve = wire.join(&token);
    wire.peers[eve].watch(pane);
    wire.pass(600_000);
    let events = wire.events(eve);
    assert_eq!(show(&events).text()[0].trim_end(), "line");
    assert_eq!(wire.peers[eve].messages()[0].text, "hello from ben");
    assert_eq!(wire.peers[eve].state().panes[&pane].title, "shell");
    assert_eq!(wire.peers[eve].roster().here().count(), 3);
}

/// What is typed arrives once and in order, even when everything has to be said again after a lost connection.
#[test]
fn typing_survives_a_reconnection_without_doubling() {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.peers[ben].type_bytes(pane, b"one ").unwrap();
    wire.settle();
    wire.cut(ben);
    wire.peers[ben].type_bytes(pane, b"two ").unwrap();
    wire.connect(ben);
    wire.peers[ben].type_bytes(pane, b"three").unwrap();
    wire.pass(200_000);
    let events = wire.events(0);
    assert_eq!(typed(&events), b"one two three");
}

/// A fast typist, or a key that repeats, is faster than the tick of a busy terminal: the echo must not wait for it.
#[test]
fn echo_of_a_key_does_not_wait_for_the_tick() {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.peers[ben].watch(pane);
    wire.pass(300_000);
    for key in [b"a", b"b", b"c"] {
        wire.peers[ben].type_bytes(pane, key).unwrap();
        wire.settle();
        let now = wire.now;
        wire.host().output(pane, key, now).unwrap();
        wire.settle();
    }
    let events = wire.events(ben);
    assert_eq!(show(&events).text()[0].trim_end(), "abc", "no time has passed");
    let now = wire.now;
    wire.host().output(pane, b"busy", now).unwrap();
    wire.settle();
    assert_eq!(wire.events(ben), [], "one key lets one flush through");
}

/// A view link holds no right to type, and this side says so before anything is sent.
#[test]
fn view_link_cannot_type_or_edit() {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let token = wire.share(Access::View);
    let ben = wire.join(&token);
    assert_eq!(wire.peers[ben].type_bytes(pane, b"rm"), Err(TypeError::NoRight));
    assert!(matches!(wire.peers[ben].set_title("mine"), Err(EditRefused::NoRight(_))));
    let now = wire.now;
    wire.peers[ben].say(&Draft::from("but I may chat"), now).unwrap();
    wire.pass(100_000);
    assert_eq!(wire.host().messages().len(), 1);
}

/// A relay that forgot everything gets it back from the peers.
#[test]
fn documents_survive_a_relay_that_lost_them() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    let now = wire.now;
    wire.peers[ben].say(&Draft::from("before"), now).unwrap();
    wire.pass(100_000);
    wire.hall = Hall::new(HallLimits::default(), [4; 32]);
    for index in [0, ben] {
        wire.peers[index].handle_link_close(link(index), now);
        wire.conns[index] = None;
        wire.connect(index);
    }
    let eve = wire.join(&token);
    wire.pass(100_000);
    assert_eq!(wire.peers[eve].messages()[0].text, "before");
}

/// Revoked means out, at once, and not in again.
#[test]
fn revoked_link_is_cut_and_cannot_join() {
    let mut wire = Wire::new();
    let token = wire.share(Access::View);
    let ben = wire.join(&token);
    wire.revoke(share_of(&token));
    assert_eq!(wire.peers[ben].ended(), Some(Ending::Revoked));
    let eve = wire.join(&token);
    assert_eq!(wire.peers[eve].ended(), Some(Ending::Revoked));
}

/// When the owner ends the session, everybody knows why the screen stands still.
#[test]
fn end_reaches_everybody() {
    let mut wire = Wire::new();
    let token = wire.share(Access::View);
    let ben = wire.join(&token);
    let now = wire.now;
    wire.host().end_session(now).unwrap();
    wire.settle();
    assert_eq!(wire.peers[ben].ended(), Some(Ending::ByOwner));
    let late = wire.join(&token);
    assert_eq!(wire.peers[late].ended(), Some(Ending::ByOwner));
}

/// Who types into a shell that has just ended wants to know that it has, not that there never was one.
#[test]
fn input_that_nobody_takes_comes_back_with_its_reason() {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    let now = wire.now;
    wire.host().end_pane(pane, 0, now).unwrap();
    wire.peers[ben].type_bytes(pane, b"ls").unwrap();
    wire.peers[ben].type_bytes(PaneId(9), b"ls").unwrap();
    wire.pass(100_000);
    let refusals = wire.events(ben).into_iter().filter_map(|event| match event {
        Event::InputRefused(pane, reason) => Some((pane, reason)),
        _ => None,
    });
    assert_eq!(refusals.collect::<Vec<_>>(), [(pane, Refusal::PaneEnded), (PaneId(9), Refusal::NoPane)]);
}

/// A program that reads nothing must not cost the host memory without bound, nor the guest a keystroke.
#[test]
fn unread_input_waits_at_the_guest() {
    const PASTE_BYTES: usize = 700_000;
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    let mut taken = Vec::new();
    for letter in *b"abc" {
        while wire.peers[ben].type_bytes(pane, &[letter; PASTE_BYTES]).is_err() {
            wire.pass(1_000_000);
            let fresh = typed(&wire.events(0));
            assert!(fresh.len() < 2 * PASTE_BYTES, "the host takes no more than it may hold");
            wire.host().handle_input_read(fresh.len());
            taken.extend(fresh);
        }
    }
    wire.pass(60_000_000);
    taken.extend(typed(&wire.events(0)));
    let before = taken.len();
    wire.host().handle_input_read(before);
    wire.pass(60_000_000);
    taken.extend(typed(&wire.events(0)));
    assert_eq!(taken.len(), 3 * PASTE_BYTES);
    assert!(taken.is_sorted(), "in order, each once");
}

/// A program that prints its result and exits at once must not end with half a screen and no exit status.
#[test]
fn end_of_the_session_overtakes_neither_screen_nor_exit_status() {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let token = wire.share(Access::View);
    let ben = wire.join(&token);
    wire.peers[ben].watch(pane);
    wire.pass(300_000);
    wire.events(ben);
    let now = wire.now;
    wire.host().output(pane, b"\x1b[2J\x1b[Hresult", now).unwrap();
    wire.host().end_pane(pane, 7, now).unwrap();
    wire.host().say(&Draft::from("bye"), now).unwrap();
    wire.host().end_session(now).unwrap();
    wire.settle();
    let events = wire.events(ben);
    assert_eq!(show(&events).text()[0].trim_end(), "result");
    assert!(events.contains(&Event::Terminal(pane, StreamEvent::End { code: 7 })), "{events:?}");
    assert_eq!(wire.peers[ben].messages().last().map(|message| message.text.as_str()), Some("bye"));
    assert_eq!(wire.peers[ben].ended(), Some(Ending::ByOwner));
}

/// Who says goodbye is gone at once; only who falls silent is waited for.
#[test]
fn goodbye_is_heard_at_once() {
    let mut wire = Wire::new();
    let token = wire.share(Access::View);
    let (ben, eve) = (wire.join(&token), wire.join(&token));
    wire.pass(500_000);
    let gone = wire.peers[ben].me().unwrap();
    let now = wire.now;
    wire.events(eve);
    wire.peers[ben].leave(now);
    wire.settle();
    assert!(wire.events(eve).contains(&Event::Left(gone)), "without waiting for anything");
}

/// "Thanks, bye" and Ctrl-C: the last words of whoever leaves are heard.
#[test]
fn last_words_are_heard() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    let now = wire.now;
    wire.peers[ben].say(&Draft::from("thanks, bye"), now).unwrap();
    wire.peers[ben].leave(now);
    wire.pass(50_000);
    assert_eq!(wire.host().messages().last().map(|message| message.text.as_str()), Some("thanks, bye"));
}

/// A relay that pings and never reads must not grow this side's memory.
#[test]
fn unread_answers_end_the_link() {
    let mut wire = Wire::new();
    let token = wire.share(Access::View);
    let ben = wire.join(&token);
    let now = wire.now;
    for n in 0..1_000_000_u64 {
        wire.peers[ben].handle_frame(link(ben), Frame::Ping(n.to_le_bytes()), now);
    }
    let mut out = Vec::new();
    assert!(wire.peers[ben].pop(link(ben), usize::MAX, &mut out).close);
    assert_eq!(decode(&out), [Frame::Close(CloseCode::TooSlow)]);
}

/// A way straight to the host counts as soon as the host itself has answered on it, long before its time is up.
#[test]
fn host_vouches_for_the_way_to_it() {
    let mut wire = Wire::new();
    let token = wire.share(Access::View);
    let ben = wire.add(&token);
    let now = wire.now;
    wire.peers[ben].handle_link_open(link(ben), None, now);
    wire.peers[ben].expect_host(link(ben));
    wire.conns[ben] = Some(77);
    wire.hall.handle_open(ConnId(77), now);
    wire.settle();
    wire.pass(20_000);
    assert!(wire.events(ben).contains(&Event::Linked(link(ben))));
    assert!(wire.peers[ben].is_linked());
    wire.pass(20_000_000);
    assert!(wire.peers[ben].is_linked() && wire.peers[ben].is_live(wire.now));
}

/// The owner's train is in a tunnel when the session ends. Those on the relay learn of it when it comes out.
#[test]
fn end_reaches_a_relay_that_was_out_of_reach() {
    let mut wire = Wire::new();
    let token = wire.share(Access::View);
    let ben = wire.join(&token);
    wire.cut(0);
    let now = wire.now;
    wire.host().end_session(now).unwrap();
    wire.pass(1_000_000);
    assert_eq!(wire.peers[ben].ended(), None);
    wire.events(0);
    wire.connect(0);
    wire.pass(1_000_000);
    assert_eq!(wire.peers[ben].ended(), Some(Ending::ByOwner));
    let heard = Event::Unlinked(link(0), CloseCode::Ended);
    assert!(wire.events(0).contains(&heard), "the relay has it");
    wire.connect(0);
    assert!(wire.events(0).contains(&heard), "and goes on saying so");
    assert!(wire.host().links.is_empty());
}

/// A relay that never answers costs the owner some patience, and no more.
#[test]
fn silent_relay_does_not_hold_the_end_up() {
    let mut wire = Wire::new();
    wire.sieve = Some(Box::new(|_, _| false));
    let now = wire.now;
    wire.host().end_session(now).unwrap();
    wire.pass(16_000_000);
    assert!(wire.conns[0].is_none() && wire.host().links.is_empty());
}

/// Whoever comes late reads what was said by people who are gone: a conversation among numbers is none.
#[test]
fn newcomer_knows_the_names_of_those_who_wrote_and_left() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    let say = |wire: &mut Wire, text: &str| {
        let now = wire.now;
        wire.peers[ben].say(&Draft::from(text), now).unwrap();
        wire.pass(100_000);
    };
    wire.peers[ben].present(|presence| presence.name = "benedict".into());
    wire.pass(100_000);
    say(&mut wire, "hello");
    say(&mut wire, "and again");
    wire.peers[ben].present(|presence| presence.name = "ben".into());
    say(&mut wire, "for short");
    let (ben_id, now) = (wire.id(ben), wire.now);
    wire.peers[ben].leave(now);
    wire.pass(100_000);

    let cat = wire.join(&token);
    wire.pass(100_000);
    let cat = &wire.peers[cat];
    let told: Vec<_> = cat.messages().iter().map(|message| message.name.as_deref()).collect();
    assert_eq!(told, [Some("benedict"), None, Some("ben")], "no more often than it is new");
    assert_eq!(cat.roster().writer(&ben_id).map(|(_, name)| name), Some("ben"));
    assert!(cat.roster().presence(&ben_id).is_none());
}

/// Words of long ago must not rename somebody who is here and goes by another name.
#[test]
fn name_of_who_is_here_is_what_it_says_now() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.peers[ben].present(|presence| presence.name = "benedict".into());
    let now = wire.now;
    wire.peers[ben].say(&Draft::from("hello"), now).unwrap();
    wire.pass(100_000);
    wire.peers[ben].present(|presence| presence.name = "ben".into());
    wire.pass(6_000_000);
    let cat = wire.join(&token);
    wire.pass(6_000_000);
    let ben_id = wire.id(ben);
    assert_eq!(wire.peers[cat].messages().len(), 1);
    assert_eq!(wire.peers[cat].roster().writer(&ben_id).map(|(_, name)| name), Some("ben"));
}
