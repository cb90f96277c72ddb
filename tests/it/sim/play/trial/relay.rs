//! Relays that break the rules.

use super::super::super::liar::{Liar, Sieve};
use super::super::super::model::everybody_in;
use super::super::super::net::Way;
use super::super::super::script::RELAY;
use super::super::Play;
use super::SOON_US;
use cahoots::proto::id::{AuthorId, Channel};
use cahoots::proto::session::Alarm;
use cahoots::proto::wire::{Frame, WireEntry};

/// How long a relay that starts anew is without its members at most, in microseconds: they notice, and dial again.
const BACK_US: u64 = 5_000_000;
/// How long what a host has said may count as present, in microseconds. PROTOCOL.md 15.
const LIVE_US: u64 = 26_000_000;

/// Returns whose documents an entry is of.
fn author_of(frame: &Frame) -> Option<AuthorId> {
    let Frame::Entry(raw) = frame else { return None };
    let lane = WireEntry::decode(raw.clone()).ok()?.lane;
    Channel::DURABLE.contains(&lane.channel).then_some(lane.author)
}

impl Play<'_> {
    pub(super) fn lie(&mut self, sieve: Sieve) {
        self.world.model.has_lied = true;
        self.world.nodes[RELAY].liar = Some(Liar::Sieves(sieve));
    }

    /// The relay is honest again; who was lied to, or everybody, dials anew.
    pub(super) fn stop_lying(&mut self, victim: Option<usize>) {
        self.world.nodes[RELAY].liar = None;
        self.world.cut(victim, RELAY);
    }

    pub(super) fn withhold(&mut self) {
        let Some((victim, author)) = self.victim_and_another() else { return };
        let id = self.world.members[author].peer.me().unwrap();
        self.lie(Box::new(move |to, way, frame| {
            to != victim || way == Way::Up || author_of(frame).is_none_or(|author| author != id)
        }));
        self.have_said(&[author]);
        self.await_alarm(&[victim], SOON_US, |alarm| match alarm {
            Alarm::Withheld { author, .. } => *author == id,
            _ => false,
        });
        let others: Vec<_> = everybody_in(&self.world).into_iter().filter(|index| *index != victim).collect();
        self.exchange(&others);
        self.stop_lying(Some(victim));
    }

    pub(super) fn fork(&mut self) {
        let Some((victim, other)) = self.victim_and_another() else { return };
        let id = self.world.members[victim].peer.me().unwrap();
        self.lie(Box::new(move |to, way, frame| {
            way == Way::Up || author_of(frame).is_none_or(|author| (author == id) == (to == victim))
        }));
        self.have_said(&[victim, other]);
        let is_it = |alarm: &Alarm| matches!(alarm, Alarm::Withheld { .. } | Alarm::Diverged(_));
        self.await_alarm(&[victim], SOON_US, is_it);
        let others: Vec<_> = everybody_in(&self.world).into_iter().filter(|index| *index != victim).collect();
        self.await_alarm(&others, SOON_US, is_it);
        self.exchange(&others);
        self.stop_lying(None);
    }

    pub(super) fn roll_back(&mut self, is_over_an_epoch: bool) {
        let backup = self.world.back_up(RELAY);
        self.run_for(BACK_US);
        let everybody = everybody_in(&self.world);
        if is_over_an_epoch {
            self.rekey();
        }
        self.have_said(&everybody);
        self.run_for(BACK_US);
        self.world.model.has_lost = true;
        self.world.roll_back(RELAY, backup);
        let by_relay: Vec<_> =
            everybody.into_iter().filter(|index| self.world.members[*index].halls.contains(&RELAY)).collect();
        self.await_alarm(&by_relay, BACK_US + SOON_US, |alarm| matches!(alarm, Alarm::RolledBack { .. }));
        // Whoever comes now gets from the relay what it had lost.
        self.join_late();
    }

    pub(super) fn hide_log(&mut self) {
        let Some((victim, other)) = self.victim_and_another() else { return };
        self.lie(Box::new(move |to, way, frame| to != victim || way == Way::Up || !matches!(frame, Frame::Log(_))));
        self.rekey();
        self.run_for(2_000_000);
        let known = self.world.members[victim].peer.messages().len();
        self.have_said(&[other]);
        self.run_for(LIVE_US);
        let (now, peer) = (self.world.now_of(victim), &self.world.members[victim].peer);
        assert!(!peer.is_live(now), "member {victim} is kept in the past and takes it for the present");
        assert_eq!(peer.messages().len(), known, "nothing of an epoch that it does not know is shown");
        self.stop_lying(Some(victim));
    }

    pub(super) fn keep_key(&mut self) {
        let Some((victim, other)) = self.victim_and_another() else { return };
        self.lie(Box::new(move |to, way, frame| to != victim || way == Way::Up || !matches!(frame, Frame::Wrap(_))));
        let begun = self.rekey();
        self.have_said(&[other]);
        self.await_alarm(&[victim], SOON_US, |alarm| {
            // Another one may have begun meanwhile.
            matches!(alarm, Alarm::KeyWithheld(epoch) if *epoch >= begun)
        });
        self.stop_lying(Some(victim));
    }
}
