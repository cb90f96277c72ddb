//! Who comes late sees the right screen first and what scrolled off it after that.

use super::*;
use crate::proto::limits::HISTORY_BYTES_RATE;
use proptest::collection::vec;
use proptest::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

const PANE: PaneId = PaneId(0);

fn write(wire: &mut Wire, text: &[u8]) {
    let now = wire.now;
    wire.host().output(PANE, text, now).unwrap();
}

/// A session whose terminal has shown `text` before anybody else was there.
fn late_stage(text: &[u8]) -> (Wire, Token) {
    let mut wire = Wire::new();
    assert_eq!(wire.host().open_pane("shell", "sh", SIZE).unwrap(), PANE);
    write(&mut wire, text);
    let token = wire.share(Access::View);
    wire.pass(300_000);
    (wire, token)
}

fn watch(wire: &mut Wire, token: &Token) -> usize {
    let index = wire.join(token);
    wire.peers[index].watch(PANE);
    index
}

fn numbers(count: usize) -> Vec<u8> {
    (1..=count).flat_map(|n| format!("{n}\r\n").into_bytes()).collect()
}

/// Returns all that somebody can read, scrolled back as far as there are lines.
fn all_text(screen: &Screen) -> Vec<String> {
    let mut off: Vec<_> = (1..=screen.scrollback_len())
        .filter_map(|back| screen.view(back).next())
        .map(|row| row.text().trim_end().to_owned())
        .collect();
    off.reverse();
    off.extend(screen.text());
    off
}

fn pasts(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Terminal(_, StreamEvent::Past { .. }))).count()
}

fn assert_same(wire: &mut Wire, screen: &Screen) {
    let host = wire.host().screen(PANE).unwrap();
    assert_eq!(screen.snapshot(), host.snapshot());
    assert_eq!(all_text(screen), all_text(host));
}

/// The first thing that a newcomer does is to scroll up and see what it is about.
#[test]
fn newcomer_scrolls_back_to_the_first_line() {
    let (mut wire, token) = late_stage(&numbers(300));
    let ben = watch(&mut wire, &token);
    wire.pass(600_000);
    let events = wire.events(ben);
    let first = events.iter().find_map(|event| match event {
        Event::Terminal(_, event) => Some(event),
        _ => None,
    });
    assert!(matches!(first, Some(StreamEvent::Keyframe { .. })), "the screen comes first");
    assert_eq!(pasts(&events), 1);
    assert_eq!(all_text(&show(&events))[0], "1");
    assert_same(&mut wire, &show(&events));

    write(&mut wire, b"and on");
    wire.pass(300_000);
    let events = [events, wire.events(ben)].concat();
    assert_eq!(pasts(&events), 1);
    assert_same(&mut wire, &show(&events));
}

/// Vim is open at the join; what was there before it is still there after it.
#[test]
fn lines_from_before_the_alternate_screen_are_there_after_it() {
    let (mut wire, token) = late_stage(&[&numbers(50)[..], b"$ vim\x1b[?1049h\x1b[2J\x1b[Hfile"].concat());
    let ben = watch(&mut wire, &token);
    wire.pass(600_000);
    write(&mut wire, b"\x1b[?1049l\r\n$ ");
    wire.pass(300_000);
    let events = wire.events(ben);
    assert_eq!(all_text(&show(&events))[0], "1");
    assert_same(&mut wire, &show(&events));
}

/// `clear` takes away what was above: a newcomer must not get more than who was there all the time.
#[test]
fn erased_lines_reach_no_newcomer() {
    let (mut wire, token) = late_stage(&[&b"secret\r\n".repeat(20)[..], b"\x1b[H\x1b[2J\x1b[3J$ "].concat());
    let ben = watch(&mut wire, &token);
    wire.pass(600_000);
    let events = wire.events(ben);
    assert_eq!(pasts(&events), 0, "there is nothing to tell");
    assert_same(&mut wire, &show(&events));
}

/// Who waits at the door has no screen, and must not get at it this way either.
#[test]
fn who_waits_to_be_let_in_is_told_nothing() {
    let (mut wire, _) = late_stage(&numbers(50));
    let terms = ShareTerms { lasts_ms: HOUR_MS, approve: true, ..ShareTerms::new(Access::Interact) };
    let token = wire.share_by(&terms);
    let eve = watch(&mut wire, &token);
    wire.peers[eve].viewing.start_asking(PANE);
    wire.peers[eve].request_history(PANE);
    wire.pass(3_000_000);
    assert!(!wire.events(eve).iter().any(|event| matches!(event, Event::Terminal(..))));
    assert!(wire.peers[eve].viewing.is_asking(PANE), "nothing came");
    wire.peers[eve].unwatch(PANE);
    wire.peers[eve].watch(PANE);
    let (id, now) = (wire.id(eve), wire.now);
    wire.host().let_in(id, now).unwrap();
    wire.pass(3_000_000);
    let events = wire.events(eve);
    assert_same(&mut wire, &show(&events));
}

/// Whoever asks without end gets what its rate allows, and the others their keys.
#[test]
fn asking_without_end_costs_the_host_no_more_than_the_rate() {
    let (mut wire, token) = late_stage(&numbers(900));
    let eve = watch(&mut wire, &token);
    wire.pass(300_000);
    let count = Rc::new(RefCell::new(0_u64));
    let counter = count.clone();
    wire.sieve = Some(Box::new(move |index, frame| {
        if let Frame::Entry(raw) = frame
            && index == eve
            && WireEntry::decode(raw.clone()).unwrap().lane.channel == Channel::FROM_HOST
            && raw.len() > 1_000
        {
            *counter.borrow_mut() += 1;
        }
        true
    }));
    for _ in 0..400 {
        wire.peers[eve].request_history(PANE);
        wire.pass(50_000);
    }
    // Each answer is one part and counts for 16 KiB.
    let most = (HISTORY_BYTES_RATE.burst + 20 * HISTORY_BYTES_RATE.per_s) / 16_384;
    let told = *count.borrow();
    assert!((most / 2..=most + 1).contains(&told), "{told} answers, at most {most}");
}

/// A thousand people come at once: one answer is made for all of them, and what is typed waits for none of it.
#[test]
fn crowd_is_told_one_after_the_other() {
    let (mut wire, token) = late_stage(&numbers(900));
    let crowd: Vec<_> = (0..20).map(|_| wire.join(&token)).collect();
    crowd.iter().for_each(|index| wire.peers[*index].watch(PANE));
    wire.settle();
    let mut waiting = 0;
    for _ in 0..100 {
        let now = wire.now;
        wire.host().handle_timeout(now);
        waiting = wire.host().queued_bytes().max(waiting);
        wire.pass(10_000);
    }
    assert!((1..40_000).contains(&waiting), "{waiting} bytes waited for the link");
    for index in crowd {
        let events = wire.events(index);
        assert_eq!(pasts(&events), 1);
        assert_same(&mut wire, &show(&events));
    }
}

/// The connection breaks while the answer is on its way: it is asked for again.
#[test]
fn answer_that_is_lost_is_asked_for_again() {
    let (mut wire, token) = late_stage(&numbers(300));
    wire.sieve = Some(Box::new(|_, frame| match frame {
        Frame::Entry(raw) => {
            raw.len() < 1_000 || WireEntry::decode(raw.clone()).unwrap().lane.channel != Channel::FROM_HOST
        }
        _ => true,
    }));
    let ben = watch(&mut wire, &token);
    wire.pass(600_000);
    wire.sieve = None;
    assert_eq!(pasts(&wire.events(ben)), 0);
    wire.connect(ben);
    wire.pass(600_000);
    let events = wire.events(ben);
    assert_eq!(pasts(&events), 1);
    assert_same(&mut wire, &show(&events));
}

/// A flood while the answer is under way: memory stays bounded, and the flood fills the lines by itself.
#[test]
fn flood_before_the_answer_ends_the_wait() {
    let (mut wire, token) = late_stage(&numbers(300));
    let held = Rc::new(RefCell::new(Vec::new()));
    hold_direct(&mut wire, 1, &held);
    let ben = watch(&mut wire, &token);
    wire.pass(300_000);
    for _ in 0..12 {
        write(&mut wire, &[b'x'; 30_000]);
        wire.pass(20_000);
    }
    assert!(!wire.peers[ben].viewing.is_asking(PANE));
    release(&mut wire, ben, &held);
    let events = wire.events(ben);
    assert_eq!(pasts(&events), 0);
    assert_eq!(show(&events).snapshot(), wire.host().screen(PANE).unwrap().snapshot());
}

/// Who cannot follow a flood jumps ahead: that must not cost the host an answer each time.
#[test]
fn jumping_ahead_asks_for_no_lines() {
    let (mut wire, token) = late_stage(&numbers(300));
    let ben = watch(&mut wire, &token);
    wire.pass(600_000);
    let _ = wire.events(ben);
    wire.peers[ben].skip_ahead(PANE);
    wire.pass(2_000_000);
    write(&mut wire, b"on");
    wire.pass(600_000);
    let events = wire.events(ben);
    assert_eq!(pasts(&events), 0);
    assert_eq!(show(&events).snapshot(), wire.host().screen(PANE).unwrap().snapshot());
}

type Held = Rc<RefCell<Vec<Frame>>>;

/// Keeps back what the host says to `index` alone.
fn hold_direct(wire: &mut Wire, index: usize, held: &Held) {
    hold(wire, index, held, |channel| channel == Channel::FROM_HOST);
}

fn hold(wire: &mut Wire, index: usize, held: &Held, picks: impl Fn(Channel) -> bool + 'static) {
    let held = held.clone();
    wire.sieve = Some(Box::new(move |to, frame| {
        let Frame::Entry(raw) = frame else { return true };
        let is_picked = to == index && picks(WireEntry::decode(raw.clone()).unwrap().lane.channel);
        if is_picked {
            held.borrow_mut().push(frame.clone());
        }
        !is_picked
    }));
}

/// Brings what was kept back, and keeps nothing back any more.
fn release(wire: &mut Wire, index: usize, held: &Held) {
    wire.sieve = None;
    let now = wire.now;
    for frame in held.take() {
        wire.peers[index].handle_frame(link(index), frame, now);
    }
    wire.settle();
}

#[derive(Clone, Debug)]
enum Step {
    Output(Vec<u8>),
    Resize(u16, u16),
    Pass(u64),
    /// One of the two ways is slow from now on: the host's own, or the terminal's.
    Slow {
        direct: bool,
    },
    /// All that was slow arrives.
    Arrive,
    /// All that was slow is lost.
    Lose,
    Reconnect,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let text = "[a-d ]{0,20}|(\r\n){1,4}|\x1b\\[(1|31|0)m|漢字|\x1b\\[[23]J|\x1b\\[\\?1049[hl]|\x1b\\[2;1H";
    let output = vec(text, 1..12).prop_map(|pieces| Step::Output(pieces.concat().into_bytes()));
    let step = prop_oneof![
        8 => output,
        1 => (10u16..60, 3u16..9).prop_map(|(cols, rows)| Step::Resize(cols, rows)),
        4 => (1u64..30).prop_map(|tens| Step::Pass(tens * 10_000)),
        2 => any::<bool>().prop_map(|direct| Step::Slow { direct }),
        2 => Just(Step::Arrive),
        1 => Just(Step::Lose),
        1 => Just(Step::Reconnect),
    ];
    vec(step, 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever comes first, the lines or what goes on, and whatever is lost: the screen is the host's, and where
    /// nothing was lost so are the lines above it.
    #[test]
    fn screen_and_lines_are_the_hosts_in_any_order(lines in 0usize..60, steps in steps()) {
        let (mut wire, token) = late_stage(&numbers(lines));
        let held = Held::default();
        let ben = watch(&mut wire, &token);
        let mut is_whole = true;
        for step in &steps {
            let now = wire.now;
            match step {
                Step::Output(text) => write(&mut wire, text),
                Step::Resize(cols, rows) => wire.host().resize_pane(PANE, Size::new(*cols, *rows), now).unwrap(),
                Step::Pass(us) => wire.pass(*us),
                Step::Slow { direct: true } if held.borrow().is_empty() => hold_direct(&mut wire, ben, &held),
                Step::Slow { direct: false } if held.borrow().is_empty() => {
                    hold(&mut wire, ben, &held, |channel| channel.pane().is_some());
                }
                Step::Slow { .. } => {}
                Step::Arrive => release(&mut wire, ben, &held),
                Step::Lose => {
                    is_whole &= held.take().is_empty();
                    wire.sieve = None;
                }
                Step::Reconnect => {
                    is_whole &= held.take().is_empty();
                    wire.sieve = None;
                    wire.connect(ben);
                }
            }
            wire.settle();
        }
        release(&mut wire, ben, &held);
        wire.pass(2_000_000);
        write(&mut wire, b"last\r\n");
        wire.pass(2_000_000);
        let events = wire.events(ben);
        let screen = show_on(&events);
        let host = wire.host().screen(PANE).unwrap();
        prop_assert_eq!(screen.snapshot(), host.snapshot());
        prop_assert!(pasts(&events) <= 1);
        if is_whole {
            prop_assert_eq!(all_text(&screen), all_text(host));
        }
    }
}

/// As [`show`], on a screen that keeps what scrolled off it.
fn show_on(events: &[Event]) -> Screen {
    let mut screen = Screen::new(SIZE);
    for event in events {
        match event {
            Event::Terminal(_, StreamEvent::Keyframe { size, data, .. }) => screen.restore(*size, data),
            Event::Terminal(_, StreamEvent::Output { data, .. }) => screen.write(data),
            Event::Terminal(_, StreamEvent::Past { size, lines, keyframe, .. }) => {
                screen.begin_anew(*size, lines, keyframe);
            }
            _ => {}
        }
    }
    screen
}
