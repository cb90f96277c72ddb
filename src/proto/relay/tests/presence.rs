//! Cursors and faces: only the newest counts.

use super::*;

/// A cursor that moved a hundred times while somebody's train was in a tunnel is shown where it is now.
#[test]
fn slow_reader_gets_only_the_newest_presence() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.viewer());
    let (sender, reader) = (world.connect(&ben), world.connect(&cat));
    let mut writer = world.session.writer(&ben, Channel::PRESENCE);
    let entries: Vec<_> = (0..20).map(|n| writer.seal(1, &ben.keys, &[n])).collect();
    for entry in &entries {
        let _ = world.send_entry(sender, entry);
    }
    assert_eq!(world.drain(reader).seqs(), [19]);
    assert_eq!(world.drain(sender).entries(), [], "not back to its author");
    let dan = world.viewer();
    assert_eq!(world.dial(&dan).1.seqs(), [19]);
    assert_eq!(world.send_entry(sender, &entries[3]), Flow::Continue, "an old one is no fault");
    assert_eq!(world.drain(reader).seqs(), [0; 0]);
}

/// Ghosts confuse people: who has left is not shown to who comes after.
#[test]
fn presence_goes_with_its_author() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    let entry = world.session.first_entry(&ben, Channel::PRESENCE);
    let _ = world.send_entry(conn, &entry);
    world.hall.handle_close(conn, world.now);
    let cat = world.viewer();
    assert_eq!(world.dial(&cat).1.entries(), []);
}

/// Who is served elsewhere leaves without a word here: its cursor must not stay for ever.
#[test]
fn presence_that_nobody_renews_is_forgotten() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.viewer());
    let host = world.host;
    assert_eq!(world.send(host, ben.member_frame()), Flow::Continue);
    let entry = world.session.first_entry(&ben, Channel::PRESENCE);
    assert_eq!(world.send_entry(host, &entry), Flow::Continue);
    world.pass_s(14, &[host]);
    assert_eq!(world.dial(&cat).1.entries(), [entry]);
    world.pass_s(2, &[host]);
    assert_eq!(world.dial(&cat).1.entries(), []);
}

/// In a crowd the packet is the cost: what all of them do within two pictures of a screen goes out together.
#[test]
fn presence_waits_for_company_in_a_crowd() {
    let mut world = World::new();
    let people: Vec<_> = (0..20).map(|_| world.guest()).collect();
    let conns: Vec<_> = people.iter().map(|person| world.connect(person)).collect();
    let ready = |world: &mut World| std::iter::from_fn(|| world.hall.poll_ready()).count();
    ready(&mut world);
    let host = world.host;
    conns.iter().chain([&host]).for_each(|conn| drop(world.drain(*conn)));
    for (conn, person) in conns.iter().zip(&people) {
        let entry = world.session.first_entry(person, Channel::PRESENCE);
        let _ = world.send_entry(*conn, &entry);
    }
    assert_eq!(ready(&mut world), 0, "nobody is woken for one of them");
    let due = world.hall.poll_timeout().expect("they are passed on");
    assert!(due <= world.now.mono.after_us(50_000), "before anybody could see it");
    world.now.mono = due;
    world.hall.handle_timeout(world.now);
    assert_eq!(ready(&mut world), 21, "everybody is woken once");
    assert_eq!(world.drain(conns[0]).entries().len(), 19);
}

/// Nobody moves another's cursor.
#[test]
fn presence_in_anothers_name_is_refused() {
    let mut world = World::new();
    let (ben, eve) = (world.guest(), world.guest());
    world.connect(&ben);
    let conn = world.connect(&eve);
    let entry = world.session.first_entry(&ben, Channel::PRESENCE);
    world.assert_closed_by(conn, Frame::Entry(entry.as_bytes().clone()), CloseCode::NoRight);
}

/// A host serves a LAN and a relay at once and brings the one side's faces to the other: verified, or not at all.
#[test]
fn host_brings_presence_of_members_it_serves_elsewhere() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.viewer());
    let reader = world.connect(&cat);
    let host = world.host;
    assert_eq!(world.send(host, ben.member_frame()), Flow::Continue);
    let entry = world.session.first_entry(&ben, Channel::PRESENCE);
    assert_eq!(world.send_entry(host, &entry), Flow::Continue);
    let mail = world.drain(reader);
    assert_eq!(mail.frames[mail.frames.len() - 2..], [ben.member_frame(), Frame::Entry(entry.as_bytes().clone())]);
    assert_eq!(world.drain(host).entries(), []);

    let forged = world.session.writer(&ben, Channel::PRESENCE);
    let forged = { forged }.seal(1, &cat.keys, b"not Ben");
    let bytes = WireEntry::encode(1, forged.lane, 9, forged.body(), forged.signature());
    assert_eq!(world.send_entry(host, &bytes), Flow::Stop);
    assert_eq!(world.drain(host).close, Some(CloseCode::Protocol));
    assert_eq!(world.drain(reader).close, None);
}

/// A viewer without READ gets nothing, whatever it asks for.
#[test]
fn member_without_read_is_told_nothing_sealed() {
    let mut world = World::new();
    let (share, record) = world.session.record_share(Session::terms(Rights::CHAT));
    assert_eq!(world.send(world.host, Frame::Log(record)), Flow::Continue);
    let eve = world.session.person(&share);
    let conn = world.connect(&eve);
    let (ada, host) = (world.ada.clone(), world.host);
    for channel in [Channel::CHAT, Channel::PRESENCE] {
        let entry = world.session.first_entry(&ada, channel);
        assert_eq!(world.send_entry(host, &entry), Flow::Continue);
    }
    assert_eq!(world.drain(conn).entries(), []);
    world.assert_closed_by(conn, Frame::Watch(terminal(0)), CloseCode::NoRight);
}
