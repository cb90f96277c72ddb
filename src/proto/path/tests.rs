//! Paths in virtual time.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000;

/// A relay nobody needs must not be troubled: on a LAN the host answers first.
#[test]
fn relay_waits_for_its_turn_only_where_the_host_may_be_nearby() {
    let mut both = Paths::new(Ways::Both, 1, Mono(0));
    assert_eq!(dials(&mut both, Mono(HEAD_START_US - 1)), []);
    assert_eq!(both.poll_timeout(), Some(Mono(HEAD_START_US)));
    assert_eq!(dials(&mut both, Mono(HEAD_START_US)), [Candidate::Relay]);
    assert_eq!(both.poll_timeout(), None);

    assert_eq!(dials(&mut Paths::new(Ways::Relay, 1, Mono(0)), Mono(0)), [Candidate::Relay]);
    let mut nearby = Paths::new(Ways::Nearby, 1, Mono(0));
    assert_eq!((dials(&mut nearby, Mono(SECOND)), nearby.poll_timeout()), (vec![], None));
}

/// The case of the whole feature: found on the LAN at once, no relay involved.
#[test]
fn host_on_the_lan_is_dialled_when_found_and_the_relay_never() {
    let mut paths = Paths::new(Ways::Both, 1, Mono(0));
    paths.handle_found(lan(1), Mono(20_000));
    assert_eq!(dials(&mut paths, Mono(20_000)), [lan(1)]);
    paths.handle_up(lan(1), Mono(30_000));
    assert_eq!(paths.active(), Some(lan(1)));
    assert_eq!(dials(&mut paths, Mono(SECOND)), []);
    assert_eq!(paths.poll_timeout(), None);
}

/// A laptop comes home: the relay's link is given up for the direct one.
#[test]
fn direct_link_replaces_the_relays() {
    let mut paths = linked_by_relay();
    paths.handle_found(lan(1), Mono(60 * SECOND));
    assert_eq!(dials(&mut paths, Mono(60 * SECOND)), [lan(1)]);
    assert_eq!(paths.active(), Some(Candidate::Relay), "kept until the other is up");
    paths.handle_up(lan(1), Mono(61 * SECOND));
    assert_eq!(paths.active(), Some(lan(1)));
    assert_eq!(drops(&mut paths), [Candidate::Relay]);
}

/// And leaves again: the relay is dialled without delay.
#[test]
fn relay_is_dialled_at_once_when_the_direct_link_is_lost() {
    let mut paths = linked_by_relay();
    paths.handle_found(lan(1), Mono(SECOND));
    dials(&mut paths, Mono(SECOND));
    paths.handle_up(lan(1), Mono(2 * SECOND));
    paths.handle_lost(lan(1), Mono(30 * SECOND));
    assert_eq!(dials(&mut paths, Mono(30 * SECOND)), [Candidate::Relay]);
    assert!(paths.poll_timeout().is_some_and(|due| due <= Mono(30 * SECOND + RETRY_US_MIN)), "the lan again soon");
}

/// Two ways that come up together are one link too many.
#[test]
fn first_direct_link_wins_and_the_rest_is_dropped() {
    let mut paths = Paths::new(Ways::Both, 1, Mono(0));
    for candidate in [lan(1), lan(2), Candidate::Loopback(address(3))] {
        paths.handle_found(candidate, Mono(0));
    }
    assert_eq!(dials(&mut paths, Mono(HEAD_START_US)).len(), 4);
    paths.handle_up(lan(2), Mono(SECOND));
    assert_eq!(drops(&mut paths), [Candidate::Loopback(address(3)), lan(1), Candidate::Relay]);

    // One of them came through before it could be cancelled.
    paths.handle_up(lan(1), Mono(SECOND));
    assert_eq!((drops(&mut paths), paths.active()), (vec![lan(1)], Some(lan(2))));
}

/// Whoever answers mDNS with a hundred addresses must not make every guest dial a hundred hosts.
#[test]
fn direct_dials_and_addresses_are_bounded() {
    let mut paths = Paths::new(Ways::Both, 1, Mono(0));
    for number in 0..100 {
        paths.handle_found(lan(number), Mono(u64::from(number)));
    }
    assert_eq!(paths.direct().count(), DIRECT_MAX);
    let first = dials(&mut paths, Mono(100));
    assert_eq!(first.len(), DIRECT_DIALS_MAX);
    assert_eq!(paths.poll_timeout(), Some(Mono(HEAD_START_US)), "only the relay has a place left");
    paths.handle_failed(first[0], Mono(200));
    assert_eq!(dials(&mut paths, Mono(200)).len(), 1);
}

/// A crashed host leaves an address behind; it must not be dialled for the rest of the week.
#[test]
fn address_that_is_not_found_again_is_forgotten() {
    let mut paths = linked_by_relay();
    paths.handle_found(lan(1), Mono(0));
    let mut now = Mono(0);
    while now < Mono(FOUND_US_MAX + RETRY_US_MAX) {
        dials(&mut paths, now).into_iter().for_each(|dialled| paths.handle_failed(dialled, now));
        now = now.after_us(SECOND);
    }
    assert_eq!((paths.direct().count(), paths.poll_timeout()), (0, None));
}

/// Waits double to ten seconds and never exceed it; a steady link starts them over.
#[test]
fn waits_double_and_start_over_after_a_steady_link() {
    let mut paths = Paths::new(Ways::Relay, 7, Mono(0));
    let mut now = Mono(0);
    for full in [250_000, 500_000, SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND, 10 * SECOND, 10 * SECOND] {
        assert_eq!(dials(&mut paths, now), [Candidate::Relay]);
        paths.handle_failed(Candidate::Relay, now);
        let wait = paths.poll_timeout().unwrap().since_us(now);
        assert!((full * 3 / 4..=full).contains(&wait), "{wait} of {full} us");
        now = now.after_us(wait);
    }
    for (up_us, longest) in [(STEADY_US - 1, RETRY_US_MAX), (STEADY_US, RETRY_US_MIN)] {
        dials(&mut paths, now);
        paths.handle_up(Candidate::Relay, now);
        now = now.after_us(up_us);
        paths.handle_lost(Candidate::Relay, now);
        let wait = paths.poll_timeout().unwrap().since_us(now);
        assert!((longest * 3 / 4..=longest).contains(&wait), "{wait} of {longest} us");
        now = now.after_us(wait);
    }
}

/// A thousand guests of a relay that restarts must not come back in the same millisecond.
#[test]
fn seeds_spread_the_waits() {
    let wait = |seed| {
        let mut paths = Paths::new(Ways::Relay, seed, Mono(0));
        dials(&mut paths, Mono(0));
        paths.handle_failed(Candidate::Relay, Mono(0));
        paths.poll_timeout()
    };
    assert_eq!(wait(5), wait(5));
    assert!((0..100).map(wait).collect::<BTreeSet<_>>().len() > 90);
}

/// The lid opens: nobody wants to wait out the back-off of the night.
#[test]
fn waking_up_ends_all_waits() {
    let mut paths = Paths::new(Ways::Both, 1, Mono(0));
    paths.handle_found(lan(1), Mono(0));
    for second in 1..30 {
        let now = Mono(second * SECOND);
        dials(&mut paths, now).into_iter().for_each(|dialled| paths.handle_failed(dialled, now));
    }
    let now = Mono(30 * SECOND);
    assert_eq!(dials(&mut paths, now), []);
    paths.handle_wake(now);
    assert_eq!(dials(&mut paths, now), [lan(1), Candidate::Relay]);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Found(u8),
    Up,
    Failed,
    Lost,
    Wake,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u8..24).prop_map(Step::Found),
        Just(Step::Up),
        Just(Step::Failed),
        Just(Step::Lost),
        Just(Step::Wake),
        (0..20 * SECOND).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Whatever the network does, there is one link at most, and the machine never gives up.
    #[test]
    fn one_link_and_never_stuck(steps in vec(step(), 0..80), seed: u64) {
        let (mut paths, mut now) = (Paths::new(Ways::Both, seed, Mono(0)), Mono(0));
        let (mut dialling, mut up) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Found(number) => paths.handle_found(lan(u16::from(number)), now),
                Step::Up => if let Some(candidate) = dialling.pop() {
                    up.push(candidate);
                    paths.handle_up(candidate, now);
                },
                Step::Failed => if let Some(candidate) = dialling.pop() { paths.handle_failed(candidate, now) },
                Step::Lost => if let Some(candidate) = up.pop() { paths.handle_lost(candidate, now) },
                Step::Wake => paths.handle_wake(now),
                Step::Wait(us) => now = now.after_us(us),
            }
            for candidate in drops(&mut paths) {
                dialling.retain(|other| *other != candidate);
                up.retain(|other| *other != candidate);
            }
            for candidate in dials(&mut paths, now) {
                prop_assert!(!dialling.contains(&candidate) && !up.contains(&candidate));
                dialling.push(candidate);
            }
            prop_assert!(up.len() <= 1);
            prop_assert_eq!(paths.active(), up.first().copied());
            prop_assert!(dialling.iter().filter(|candidate| candidate.is_direct()).count() <= DIRECT_DIALS_MAX);
            if up.is_empty() && !dialling.contains(&Candidate::Relay) {
                prop_assert!(paths.poll_timeout().is_some_and(|due| due <= now.after_us(RETRY_US_MAX)));
            }
            if let Some(due) = paths.poll_timeout() {
                prop_assert!(due > now, "what is due was dialled, so the shell never spins");
            }
        }
    }
}

fn address(number: u16) -> SocketAddr {
    ([192, 0, 2, 1], 1_000 + number).into()
}

fn lan(number: u16) -> Candidate {
    Candidate::Lan(address(number))
}

fn dials(paths: &mut Paths, now: Mono) -> Vec<Candidate> {
    std::iter::from_fn(|| paths.poll_dial(now)).collect()
}

fn drops(paths: &mut Paths) -> Vec<Candidate> {
    std::iter::from_fn(|| paths.poll_drop()).collect()
}

fn linked_by_relay() -> Paths {
    let mut paths = Paths::new(Ways::Both, 1, Mono(0));
    assert_eq!(dials(&mut paths, Mono(HEAD_START_US)), [Candidate::Relay]);
    paths.handle_up(Candidate::Relay, Mono(HEAD_START_US));
    paths
}
