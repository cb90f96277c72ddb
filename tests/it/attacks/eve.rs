//! Eve: a member who holds a token and speaks the protocol by hand, so that nothing of our own stops her.

use super::table::{Table, exporter};
use cahoots::proto::authlog::AuthLog;
use cahoots::proto::epoch::{EpochSecret, open_share_wrap};
use cahoots::proto::id::{AuthorId, Channel, Class, LaneId};
use cahoots::proto::key::{MemberKeys, ShareSecret};
use cahoots::proto::member::{Chain, MemberCert};
use cahoots::proto::seal::{DirectGuest, LaneWriter, pad_durable};
use cahoots::proto::share::ShareCert;
use cahoots::proto::terminal::DirectUp;
use cahoots::proto::token::Token;
use cahoots::proto::verify::channel_binding;
use cahoots::proto::wire::{Auth, CloseCode, Frame, Hello, WireEntry};

/// What a holder of a token can know.
#[derive(Clone)]
pub(crate) struct Eve {
    pub(crate) secret: ShareSecret,
    pub(crate) keys: MemberKeys,
    pub(crate) chain: Chain,
    pub(crate) log: AuthLog,
    epoch_secret: EpochSecret,
    pub(crate) conn: u64,
}

impl Eve {
    /// Joins by `token`.
    ///
    /// # Errors
    ///
    /// How the relay closed the connection.
    pub(crate) fn join(table: &mut Table, token: &Token) -> Result<Self, CloseCode> {
        let secret = token.secret().unwrap();
        let conn = table.connect_hand();
        // Another member each time: one that comes back would begin its lanes anew.
        let keys = MemberKeys::from_seed(*blake3::hash(&conn.to_le_bytes()).as_bytes());
        let hello = Hello { nonce: [7; 32], session: secret.session(), share: secret.share_id() };
        table.send(conn, &Frame::Hello(hello));
        let frames = table.read(conn);
        let mut log = AuthLog::new(secret.session());
        let (mut epoch_secret, mut binding) = (None, [0; 32]);
        for frame in &frames {
            match frame {
                Frame::Welcome(welcome) => binding = channel_binding(&exporter(conn), &hello.nonce, &welcome.nonce),
                Frame::Log(raw) => drop(log.append(raw.clone()).unwrap()),
                Frame::Wrap(raw) => {
                    let commit = log.epoch().and_then(|epoch| log.commit(epoch)).unwrap();
                    epoch_secret = Some(open_share_wrap(raw, &secret, &commit).unwrap());
                }
                Frame::Close(code) => return Err(*code),
                other => panic!("unexpected {other:?}"),
            }
        }
        let share = log.share(&secret.share_id()).expect("a known share").clone();
        let member = MemberCert::issue(&secret, &keys, share.rights, share.not_before, share.expires);
        let chain = Chain { member, shares: vec![share] };
        let epoch_secret = epoch_secret.expect("a wrap for a known share");
        let eve = Self { secret, keys, chain, log, epoch_secret, conn };
        table.send(conn, &eve.auth(&eve.chain, &binding));
        let frames = table.read(conn);
        let refused = frames.iter().find_map(|frame| match frame {
            Frame::Close(code) => Some(*code),
            _ => None,
        });
        refused.map_or(Ok(eve), Err)
    }

    /// Certifies another member by the same link.
    pub(crate) fn another(&self, seed: [u8; 32]) -> Self {
        let (keys, share) = (MemberKeys::from_seed(seed), self.chain.shares[0].clone());
        let member = MemberCert::issue(&self.secret, &keys, share.rights, share.not_before, share.expires);
        Self { keys, chain: Chain { member, shares: vec![share] }, ..self.clone() }
    }

    /// Becomes a member of another share, of which the owner's record is `cert`, with all keys that this one has.
    pub(crate) fn by_share(&self, secret: ShareSecret, cert: ShareCert, seed: [u8; 32]) -> Self {
        let keys = MemberKeys::from_seed(seed);
        let member = MemberCert::issue(&secret, &keys, cert.rights, cert.not_before, cert.expires);
        Self { secret, keys, chain: Chain { member, shares: vec![cert] }, ..self.clone() }
    }

    /// Makes AUTH for any chain and binding.
    pub(crate) fn auth(&self, chain: &Chain, binding: &[u8; 32]) -> Frame {
        let signature = self.keys.sign(&chain.member.auth_digest(binding));
        Frame::Auth(Auth { chain: chain.encode(), signature })
    }

    pub(crate) fn me(&self) -> AuthorId {
        self.chain.member.author()
    }

    pub(crate) fn member_frame(&self) -> Frame {
        Frame::Member(self.chain.encode())
    }

    /// Returns a lane of the newest epoch that Eve knows.
    pub(crate) fn lane(&self, channel: Channel, author: AuthorId) -> LaneId {
        let epoch = self.log.epoch().filter(|_| channel.class() != Class::Direct).unwrap_or_default();
        LaneId { channel, author, epoch }
    }

    /// Seals an entry of a lane under any name, signed by Eve.
    pub(crate) fn seal_as(&self, author: AuthorId, channel: Channel, kind: u8, plaintext: &[u8]) -> WireEntry {
        let mut writer = LaneWriter::new(self.secret.session(), self.lane(channel, author), &self.epoch_secret);
        writer.seal(kind, &self.keys, plaintext)
    }

    pub(crate) fn seal(&self, channel: Channel, kind: u8, payload: &[u8]) -> WireEntry {
        self.seal_as(self.me(), channel, kind, &pad_durable(payload))
    }

    /// Begins a lane of Eve's own. Each call begins it anew, which no honest program does.
    pub(crate) fn writer(&self, channel: Channel) -> LaneWriter {
        LaneWriter::new(self.secret.session(), self.lane(channel, self.me()), &self.epoch_secret)
    }

    /// Returns the secret of the epoch that Eve came in.
    pub(crate) const fn epoch_secret(&self) -> &EpochSecret {
        &self.epoch_secret
    }

    /// Agrees on the keys of the direct channel with the host.
    pub(crate) fn direct(&self) -> DirectGuest {
        let host = self.log.host_member().expect("a host");
        DirectGuest::new(self.secret.session(), self.me(), host.author(), host.kem_public(), [5; 32]).unwrap()
    }

    /// Opens the direct channel to the host, and seals one message of a kind that need not fit it.
    pub(crate) fn seal_direct(&self, kind: u8, message: &DirectUp) -> [WireEntry; 2] {
        let mut direct = self.direct();
        let open = direct.seal(1, &self.keys, &DirectUp::Nothing.encode());
        [open, direct.seal(kind, &self.keys, &message.encode())]
    }
}

/// Returns the frame of an entry.
pub(crate) fn frame(entry: &WireEntry) -> Frame {
    Frame::Entry(entry.as_bytes().clone())
}
