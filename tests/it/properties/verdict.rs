//! What must hold: at every moment, and once everybody has heard everything.

use super::disk::Gone;
use super::member::Member;
use super::model::Standing;
use super::wires::Wires;
use cahoots::proto::authlog::{AuthLog, Checkpoint, Record};
use cahoots::proto::doc::Document;
use cahoots::proto::id::{Channel, LaneId};
use cahoots::proto::relay::Store;
use cahoots::proto::session::Peer;
use std::collections::BTreeSet;

/// The host's place among the members.
pub(crate) const HOST: usize = 0;

impl Wires {
    /// What must hold whatever is still on its way.
    pub(crate) fn check_always(&self) {
        for member in &self.members {
            self.model.check_chat(member.index, member.peer.messages());
        }
    }

    /// Says what still differs from what must be once all has been heard. Without the host nobody has to agree: it alone
    /// can give out the key of an epoch.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let linked = |who: usize| self.members[who].peer.is_linked();
        if !linked(HOST) {
            return Ok(());
        }
        for member in self.members.iter().skip(1).filter(|member| member.is_online && self.is_known(member.index)) {
            self.stands_right(member)?;
        }
        let together: Vec<usize> = (0..self.members.len()).filter(|who| self.is_in(*who) && linked(*who)).collect();
        for who in together.iter().copied() {
            let wrong = |what: String| format!("member {who}: {what}");
            self.agrees(who).map_err(wrong)?;
            self.misses_nothing(who, &together).map_err(wrong)?;
            self.is_served(who).map_err(wrong)?;
        }
        self.cut_off_as_decided()
    }

    fn is_in(&self, who: usize) -> bool {
        self.model.standing(who) == Standing::In && !self.model.deeds[who].has_left
    }

    /// Tells whether the host knows the link that a member has: who passed it on may not have said so yet.
    fn is_known(&self, who: usize) -> bool {
        let share = self.model.deeds[who].share;
        self.members[HOST].peer.shares().iter().any(|info| Some(info.share) == share)
    }

    fn stands_right(&self, member: &Member) -> Result<(), String> {
        let (who, peer) = (member.index, &member.peer);
        let host = &self.members[HOST].peer;
        let is_seen = peer.me().is_some_and(|me| host.roster().here().any(|(other, _)| other.author() == me));
        match self.model.standing(who) {
            _ if self.model.deeds[who].has_left => Ok(()),
            Standing::In if peer.is_linked() && is_seen => Ok(()),
            Standing::In => Err(format!("member {who} is not in: {:?}", member.ended)),
            Standing::Out if member.ended.is_some() && !is_seen => Ok(()),
            Standing::Out => Err(format!("member {who} is not out: seen {is_seen}, {:?}", member.unlinked)),
            Standing::Waiting if !peer.is_linked() => Err(format!("member {who} does not stand before the door")),
            Standing::Waiting => {
                let own = &self.model.deeds[who].said;
                let foreign = peer.messages().iter().find(|message| !own.contains(&message.text));
                assert_eq!((foreign, member.seen, is_seen), (None, None, false), "member {who} sees through the door");
                let knocked = peer.me().is_some_and(|me| host.waiting().contains(&me));
                if knocked { Ok(()) } else { Err(format!("member {who} was not heard knocking")) }
            }
        }
    }

    /// P9, P14, P22: whatever the clocks say and the order was, all have taken the same, and show the same.
    fn agrees(&self, who: usize) -> Result<(), String> {
        let (host, peer) = (&self.members[HOST].peer, &self.members[who].peer);
        if peer.log().head() != host.log().head() {
            return Err(format!("{} records of {}", peer.log().next_seq(), host.log().next_seq()));
        }
        for channel in Channel::DURABLE {
            let heads = |peer: &Peer| peer.document(channel).map(Document::heads);
            if heads(peer) != heads(host) {
                return Err(format!("other heads of {channel:?} than the host"));
            }
        }
        assert_eq!(peer.state(), host.state(), "member {who}: equal heads, another state");
        assert_eq!(peer.messages(), host.messages(), "member {who}: equal heads, another chat");
        Ok(())
    }

    /// P16: nothing is lost of what somebody did who is still in, whatever epochs have begun meanwhile.
    fn misses_nothing(&self, who: usize, together: &[usize]) -> Result<(), String> {
        let peer = &self.members[who].peer;
        let state = peer.state();
        for (other, deeds) in together.iter().map(|other| (*other, &self.model.deeds[*other])) {
            let me = self.members[other].peer.me();
            let shown = peer.messages().iter().filter(|message| Some(message.author) == me).count();
            if shown != deeds.said.len() {
                return Err(format!("sees {shown} lines of {other}, who said {}", deeds.said.len()));
            }
            if state.app.get(&format!("of {other}")) != deeds.app.as_ref() {
                return Err(format!("what {other} has set is {:?}, not {:?}", state.app, deeds.app));
            }
            if let Some(word) = deeds.notes.iter().find(|word| !state.notes.contains(*word)) {
                return Err(format!("{word} of {other} is not in the notes: {}", state.notes));
            }
        }
        Ok(())
    }

    /// P26 and P27 in the end: everything written is shown, everything typed was applied.
    fn is_served(&self, who: usize) -> Result<(), String> {
        let (member, deeds) = (&self.members[who], &self.model.deeds[who]);
        if who == HOST {
            return Ok(());
        }
        if member.seen != Some(self.model.written.len() as u64) {
            return Err(format!("sees {:?} of {} bytes", member.seen, self.model.written.len()));
        }
        if deeds.applied != deeds.typed || member.peer.unconfirmed_bytes() > 0 {
            return Err(format!("{} of {} bytes typed are applied", deeds.applied.len(), deeds.typed.len()));
        }
        if !member.peer.is_live(self.now_of(who)) {
            return Err("not live".into());
        }
        Ok(())
    }

    /// P7: of whoever was cut off there is what the owner had then, not a line more and not one less.
    fn cut_off_as_decided(&self) -> Result<(), String> {
        for (who, deeds) in self.model.deeds.iter().enumerate() {
            let Some(kept) = deeds.kept else { continue };
            let shown = self.lines_of(HOST, who);
            if shown != kept {
                return Err(format!("{shown} lines of {who} are left, {kept} were there when it was cut off"));
            }
        }
        Ok(())
    }

    /// Returns how many lines of a member another one shows.
    pub(crate) fn lines_of(&self, at: usize, who: usize) -> usize {
        let me = self.members[who].peer.me();
        self.members[at].peer.messages().iter().filter(|message| Some(message.author) == me).count()
    }

    /// P21: what the relay has forgotten lies behind the end of its lane, or a whole checkpoint has it.
    pub(crate) fn check_gone(&self) {
        let gone = self.disk.take_gone();
        if gone.is_empty() {
            return;
        }
        let session = self.members[HOST].peer.session();
        let mut log = AuthLog::new(session);
        self.disk.records(&session).into_iter().for_each(|record| drop(log.append(record).unwrap()));
        let records: Vec<Record> = log.decoded().map(|(_, _, record)| record).collect();
        for Gone { lane, first, end } in gone {
            let document = lane.channel.document_of_checkpoint().unwrap_or(lane.channel);
            let covers = |record: &Record| match record {
                Record::Checkpoint(it) => it.channel == document && it.epoch > lane.epoch && self.is_whole(it),
                _ => false,
            };
            let is_behind = first >= self.end_of(&lane, &records);
            assert!(is_behind || records.iter().any(covers), "{lane:?} from {first} to {end} is forgotten");
        }
    }

    fn is_whole(&self, checkpoint: &Checkpoint) -> bool {
        let session = self.members[HOST].peer.session();
        let channel = checkpoint.channel.checkpoint();
        let segments = self.disk.heads(&session).into_iter();
        let mut segments =
            segments.filter(|head| Some(head.lane.channel) == channel && head.lane.epoch == checkpoint.epoch);
        segments.any(|head| head.next >= u64::from(checkpoint.segments))
    }

    /// Returns where a lane of a document ends by the records; the end of time if it does not.
    fn end_of(&self, lane: &LaneId, records: &[Record]) -> u64 {
        let cuts = records.iter().flat_map(|record| match record {
            Record::Cut(cuts) => &cuts[..],
            _ => &[],
        });
        let cut = cuts.filter(|cut| cut.lane == *lane).map(|cut| cut.next).next();
        let newer: BTreeSet<_> = records
            .iter()
            .filter_map(|record| match record {
                Record::Epoch { epoch, .. } if *epoch > lane.epoch => Some(*epoch),
                _ => None,
            })
            .collect();
        let is_out = self.model.standing(self.model.index_of(&lane.author)) == Standing::Out;
        cut.unwrap_or(if is_out || !newer.is_empty() { 0 } else { u64::MAX })
    }
}
