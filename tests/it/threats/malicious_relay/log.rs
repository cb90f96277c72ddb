//! What the relay tries with the owner's record: to grant rights, to hide a decision, to go back to an older one.

use super::*;

/// A right that the owner did not sign for is none, whatever log the relay shows.
#[test]
fn rights_cannot_be_granted() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let root = SessionRoot::from_seed([0x66; 32]);
    let peer = &stage.table.peers[stage.cat];
    let (head, next) = (peer.log().head(), peer.log().next_seq());
    let mine = ShareSecret::new(&stage.session(), [0x66; 16], ShareFlags::NONE, None);
    let real = peer.log().shares().next().unwrap().clone();
    let terms = cahoots::proto::share::ShareTerms {
        rights: cahoots::proto::share::Rights::OWN,
        depth_left: 0,
        not_before: real.not_before,
        expires: real.expires,
        max_members: 0,
        flags: ShareFlags::NONE,
    };
    // Every record that there is, altered in every part, as the next one.
    let records = peer.log().records().to_vec();
    let mut forged: Vec<bytes::Bytes> = Vec::new();
    let share = ShareCert::issue_root(&root, &mine, terms);
    let mut own = AuthLog::new(root.session_id());
    own.write(&root, &Record::Genesis { root: root.public() }, START.wall).unwrap();
    forged.extend(own.records().to_vec());
    for record in &records {
        let mut as_next = record.to_vec();
        as_next[18..26].copy_from_slice(&next.to_le_bytes());
        as_next[26..58].copy_from_slice(&head);
        forged.push(as_next.clone().into());
        as_next[1] = 5;
        forged.push(as_next.into());
    }
    let mut injected = records.last().unwrap().to_vec();
    injected[18..26].copy_from_slice(&next.to_le_bytes());
    injected.splice(68..injected.len() - 64, share.as_bytes().iter().copied());
    forged.push(injected.into());
    for record in forged {
        stage.table.inject(stage.cat, Frame::Log(record));
        let peer = &stage.table.peers[stage.cat];
        trial.fails("a forged record is taken", (peer.log().head(), peer.log().next_seq()), (head, next));
        if !peer.is_linked() {
            stage.table.connect(stage.cat);
        }
    }
    let token = stage.table.share(Access::Interact, DAY_MS);
    trial.works("the owner's record is taken", stage.table.peers[stage.cat].log().next_seq() == next + 1);
    drop(token);
    trial.held()
}

/// A relay may hide that somebody was thrown out, but then all are told that what they see may be old.
#[test]
fn log_cannot_be_truncated_unseen() -> Held {
    let mut trial = Trial::default();
    let mut table = Table::new();
    let tokens = (table.share(Access::Interact, DAY_MS), table.share(Access::Interact, DAY_MS));
    let ben = table.join(&tokens.0);
    table.pass(6_000_000);
    trial.works("an honest log is live", table.peers[ben].is_live(table.now));
    table.tap = Some(Box::new(|conn, heading, frame| {
        let is_hidden = conn == 2 && heading == Heading::FromRelay && matches!(frame, Frame::Log(_));
        if is_hidden { vec![] } else { vec![frame] }
    }));
    table.revoke(&tokens.1);
    table.pass(1_000_000);
    trial.fails("a hidden record goes unnoticed", table.peers[ben].is_live(table.now), false);
    table.pass(9_000_000);
    trial.works("it is told what happens", table.alarms(ben).contains(&Alarm::LogWithheld.to_string()));
    trial.held()
}

/// The same for a newcomer, who gets a log that was cut short from the start.
#[test]
fn newcomer_cannot_be_shown_an_old_log() -> Held {
    let mut trial = Trial::default();
    let mut table = Table::new();
    let tokens = (table.share(Access::Interact, DAY_MS), table.share(Access::Interact, DAY_MS));
    let old = table.peers[ADA].log().next_seq();
    table.revoke(&tokens.1);
    table.tap = Some(Box::new(move |conn, _, frame| match frame {
        Frame::Welcome(welcome) if conn == 2 => vec![Frame::Welcome(Welcome { records: old, ..welcome })],
        Frame::Log(raw) if conn == 2 && u64::from_le_bytes(raw[18..26].try_into().unwrap()) >= old => vec![],
        frame => vec![frame],
    }));
    let ben = table.join(&tokens.0);
    for _ in 0..20 {
        table.pass(1_000_000);
        trial.fails("an old log counts as live", table.peers[ben].is_live(table.now), false);
    }
    let cat = table.join(&tokens.0);
    table.pass(6_000_000);
    trial.works("the whole log counts", table.peers[cat].is_live(table.now));
    trial.held()
}

/// Everything in a recording is signed by Ada, but she is not there any more: a newcomer must not take it for the
/// present.
#[test]
fn host_cannot_be_played_back() -> Held {
    let mut trial = Trial::default();
    let mut table = Table::new();
    let token = table.share(Access::View, DAY_MS);
    table.pass(60_000_000);
    let is_presence = |frame: &Frame| entry_of(frame).is_some_and(|entry| entry.lane.channel == Channel::PRESENCE);
    let recording: Vec<Frame> = table.frames_of(1, Heading::ToRelay).into_iter().filter(is_presence).collect();
    trial.works("there is a recording", recording.len() >= 10);
    let host = table.peers[ADA].roster().here().next().unwrap().0.clone();
    table.tap = Some(Box::new(|conn, _, frame| if conn == 1 { vec![] } else { vec![frame] }));
    table.pass(20_000_000);
    let ben = table.join(&token);
    table.inject(ben, Frame::Member(host.chain().encode()));
    for frame in recording {
        table.inject(ben, frame);
        trial.fails("a recording counts as live", table.peers[ben].is_live(table.now), false);
        table.pass(1_000_000);
    }
    trial.held()
}
