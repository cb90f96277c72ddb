//! HELLO to READY: from a stranger to a member with a seat. PROTOCOL.md 10.

use super::{Conn, Hall, Phase};
use crate::proto::id::SessionId;
use crate::proto::member::{Chain, ChainError, VerifiedMember};
use crate::proto::relay::ConnId;
use crate::proto::relay::room::{Greeted, Room};
use crate::proto::time::Now;
use crate::proto::verify::channel_binding;
use crate::proto::wire::{Auth, CloseCode, Frame, Hello, Standing, Welcome};

/// What a dialer was told, for checking its proof.
#[derive(Debug)]
pub(super) struct Greeting {
    hello: Hello,
    binding: [u8; 32],
    greeted: Greeted,
}

impl Greeting {
    /// Appends all bytes of others held here.
    pub(super) fn snoop(&self, found: &mut Vec<u8>) {
        let Self { hello, binding, greeted: Greeted { records: _, wrap } } = self;
        let Hello { nonce, session, share } = hello;
        [&nonce[..], session.as_bytes(), share.as_bytes(), binding].iter().for_each(|it| found.extend_from_slice(it));
        wrap.iter().for_each(|wrap| found.extend_from_slice(wrap));
    }
}

impl Hall {
    /// Answers HELLO with WELCOME, the log, the share and the wrap, and with CLOSE where nothing can follow.
    pub(super) fn greet(
        &mut self,
        conn: ConnId,
        hello: Hello,
        exporter: Option<[u8; 32]>,
        now: Now,
    ) -> Result<(), CloseCode> {
        let nonce = self.next_nonce();
        let entry = self.conns.get_mut(&conn).ok_or(CloseCode::Protocol)?;
        if !matches!(entry.phase, Phase::Fresh) {
            return Err(CloseCode::Protocol);
        }
        let network = entry.network;
        if network.is_some_and(|network| self.guesses.are_spent(network, now.mono)) {
            // Whatever it names: the next guess may be right, and must not show it.
            return Err(CloseCode::ShareUnknown);
        }
        let room = self.rooms.get(&hello.session);
        let standing = match room {
            _ if entry.is_surplus => Standing::Busy,
            Some(room) => room.standing(&hello.share),
            None => Standing::SessionUnknown,
        };
        // Who is turned away for the owner's decision gets the owner's record of it, and of a share that was passed on what
        // ties it to the one that is closed.
        let (log, share, wrap) = match (standing, room) {
            (Standing::Known, Some(room)) => (room.log_frames(), room.passed_on(&hello.share), room.wrap(&hello.share)),
            (Standing::ShareClosed, Some(room)) => (room.log_frames(), room.passed_on(&hello.share), None),
            (Standing::Ended, Some(room)) => (room.log_frames(), None, None),
            _ => (&[][..], None, None),
        };
        let (records, shares, wraps) = (log.len() as u64, u64::from(share.is_some()), u64::from(wrap.is_some()));
        let welcome = Welcome { nonce, standing, records, shares, wraps };
        entry.outbox.push_control(Frame::Welcome(welcome).encode());
        log.iter().chain(share).chain(wrap).for_each(|frame| entry.outbox.push_control(frame.clone()));
        entry.outbox.list(conn, &mut self.ready);
        let exporter = exporter.as_ref().map_or(&[][..], |exporter| exporter);
        let binding = channel_binding(exporter, &hello.nonce, &nonce);
        let greeted = Greeted { records: log.len(), wrap: wrap.cloned() };
        entry.phase = Phase::Greeted(Box::new(Greeting { hello, binding, greeted }));
        match standing {
            Standing::Known | Standing::SessionUnknown => Ok(()),
            Standing::ShareUnknown => {
                network.into_iter().for_each(|network| self.guesses.note(network, now.mono));
                Err(CloseCode::ShareUnknown)
            }
            Standing::ShareClosed => Err(CloseCode::ShareClosed),
            Standing::Ended => Err(CloseCode::Ended),
            Standing::Busy => Err(CloseCode::Busy),
        }
    }

    /// Checks AUTH and gives its sender a seat.
    pub(super) fn seat(&mut self, conn: ConnId, auth: &Auth, now: Now) -> Result<(), CloseCode> {
        let Some(Conn { phase: Phase::Greeted(greeting), .. }) = self.conns.get(&conn) else {
            return Err(CloseCode::Protocol);
        };
        let session = greeting.hello.session;
        let member = prove(greeting, auth)?;
        member.may_join_at(now.wall).map_err(|error| match error {
            ChainError::Expired { .. } => CloseCode::Expired,
            _ => CloseCode::AuthFailed,
        })?;
        match self.rooms.get_mut(&session) {
            Some(room) => room.check_join(&member)?,
            None => self.create_room(session, &member, now)?,
        }
        let Some(entry) = self.conns.get_mut(&conn) else { return Err(CloseCode::Protocol) };
        let greeted = match std::mem::replace(&mut entry.phase, Phase::Seated(session)) {
            Phase::Greeted(greeting) => greeting.greeted,
            _ => Greeted::default(),
        };
        let outbox = std::mem::take(&mut entry.outbox);
        self.unproven -= 1;
        let replaced = self.with_room(&session, now, |room, cx| room.join(conn, member, &greeted, outbox, cx));
        if let Some((old, outbox)) = replaced.flatten() {
            self.part(old, Some(outbox), CloseCode::Replaced);
        }
        Ok(())
    }

    /// A chain with ADMIN proves by itself that it belongs to the session: its root hashes to the session id.
    fn create_room(&mut self, session: SessionId, member: &VerifiedMember, now: Now) -> Result<(), CloseCode> {
        if !member.rights().may_administer() {
            return Err(CloseCode::SessionUnknown);
        }
        if self.rooms.len() >= self.limits.sessions_max {
            return Err(CloseCode::Busy);
        }
        self.rooms.insert(session, Room::new(session, now));
        Ok(())
    }

    fn next_nonce(&mut self) -> [u8; 32] {
        self.greetings += 1;
        *blake3::keyed_hash(&self.seed, &self.greetings.to_le_bytes()).as_bytes()
    }
}

/// Checks that the sender of AUTH holds the key of the member whose chain it shows, on this very connection.
fn prove(greeting: &Greeting, auth: &Auth) -> Result<VerifiedMember, CloseCode> {
    let chain = Chain::decode(&auth.chain).map_err(|_| CloseCode::AuthFailed)?;
    if chain.member.share != greeting.hello.share {
        return Err(CloseCode::AuthFailed);
    }
    // The proof first: without the key, a copied chain costs one signature check, not six.
    let digest = chain.member.auth_digest(&greeting.binding);
    if !chain.member.sign_public.verify(&digest, &auth.signature) {
        return Err(CloseCode::AuthFailed);
    }
    chain.verify(&greeting.hello.session).map_err(|_| CloseCode::AuthFailed)
}
