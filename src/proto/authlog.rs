//! The owner's record of who may do what: a signed chain of records, public to members and relay.
//!
//! bytes --append--> checked [`Record`]s --admits--> whether a member counts
//!
//! Always: what is in an [`AuthLog`] was signed by the session's root, in this order, without gap. PROTOCOL.md 5.

mod doors;
mod lanes;
mod record;
#[cfg(test)]
mod tests;

pub use lanes::{Checkpoint, Cut, LaneEnd, Roll};
pub use record::Record;

use super::id::{AuthorId, Channel, Epoch, LaneId, SessionId, ShareId};
use super::key::SessionRoot;
use super::limits::{LOG_BYTES_MAX, LOG_RECORDS_MAX, SHARES_MAX};
use super::member::{Chain, ChainError, MemberCert, VerifiedMember, VerifiedShare};
use super::share::{ShareCert, ShareFlags};
use super::time::Wall;
use super::verify::{PublicKey, VerifyKey};
use super::wire::DecodeError;
use bytes::Bytes;
use doors::Doors;
use lanes::Lanes;
use record::Envelope;

/// Why a record was not taken; the log stays as it was. Whoever sent the record has to act.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The bytes are no record.
    #[error("malformed record: {0}")]
    Decode(#[from] DecodeError),
    /// A record of some other session.
    #[error("record is for another session")]
    Session,
    /// Not the record that comes next.
    #[error("record {found} where record {next} was expected")]
    Seq {
        /// Its place.
        found: u64,
        /// The place that comes next.
        next: u64,
    },
    /// It follows some other record than the newest one: the log was forked or cut.
    #[error("record {seq} does not follow the record before it")]
    Prev {
        /// Its place.
        seq: u64,
    },
    /// The owner did not sign it.
    #[error("record {seq} has a wrong signature")]
    Signature {
        /// Its place.
        seq: u64,
    },
    /// A log begins with the one Genesis record, whose key hashes to the session id.
    #[error("log does not begin with the owner's key, once")]
    Genesis,
    /// Epochs rise by one, from 0.
    #[error("epoch {found} where epoch {next} was expected")]
    Epoch {
        /// Its number.
        found: u32,
        /// The number that comes next.
        next: u32,
    },
    /// The share certificate was not issued by the root, or its signature is wrong.
    #[error("share {share} was not issued by the owner")]
    Share {
        /// The share.
        share: ShareId,
    },
    /// A share has one record for good: new terms need a new share.
    #[error("share {share} is in the log already")]
    ShareTwice {
        /// The share.
        share: ShareId,
    },
    /// No more shares fit.
    #[error("share over the limit of {SHARES_MAX} shares")]
    SharesFull,
    /// The host came through a share that does not admit it.
    #[error("host is not admitted: {0}")]
    Host(ChainError),
    /// A cut of an epoch that has not begun.
    #[error("cut in epoch {found}, which has not begun")]
    CutEpoch {
        /// Its number.
        found: u32,
    },
    /// A lane ends once.
    #[error("second end of a lane of {author}")]
    CutTwice {
        /// Whose lane it is.
        author: AuthorId,
    },
    /// Only what the newest epoch begins with is vouched for.
    #[error("checkpoint in epoch {found}, which is not the newest")]
    CheckpointEpoch {
        /// Its number.
        found: u32,
    },
    /// A document has one checkpoint in an epoch.
    #[error("second checkpoint of a document in epoch {epoch}")]
    CheckpointTwice {
        /// The epoch's number.
        epoch: u32,
    },
    /// A document begins anew only with the epoch that comes next.
    #[error("new generation in epoch {found}, which is not the next")]
    RollEpoch {
        /// Its number.
        found: u32,
    },
    /// A document begins anew once in an epoch.
    #[error("second new generation of a document in epoch {epoch}")]
    RollTwice {
        /// The epoch's number.
        epoch: u32,
    },
    /// The session is over.
    #[error("record after the end of the session")]
    Ended,
    /// No more records fit.
    #[error("record over the limit of {LOG_RECORDS_MAX} records and {LOG_BYTES_MAX} bytes")]
    Full,
    /// A record of unknown type has no body to write.
    #[error("cannot write a record of type {kind}")]
    Unwritable {
        /// Its type.
        kind: u8,
    },
}

/// A checked auth log, or the beginning of one.
#[derive(Clone, Debug)]
pub struct AuthLog {
    session: SessionId,
    records: Vec<Bytes>,
    bytes: usize,
    head: [u8; 32],
    root: Option<VerifyKey>,
    shares: Vec<ShareCert>,
    doors: Doors,
    lanes: Lanes,
    commits: Vec<[u8; 32]>,
    /// The place of the newest Epoch record.
    epoch_seq: u64,
    host: Option<VerifiedMember>,
    is_ended: bool,
}

impl AuthLog {
    /// Starts empty: nothing is known but the session's id.
    #[must_use]
    pub const fn new(session: SessionId) -> Self {
        Self {
            session,
            records: Vec::new(),
            bytes: 0,
            head: [0; 32],
            root: None,
            shares: Vec::new(),
            doors: Doors::new(),
            lanes: Lanes::new(),
            commits: Vec::new(),
            epoch_seq: 0,
            host: None,
            is_ended: false,
        }
    }

    /// Checks the next record and takes it.
    ///
    /// # Errors
    ///
    /// [`LogError`] says why not; the log is then as before.
    pub fn append(&mut self, raw: Bytes) -> Result<Record, LogError> {
        let envelope = Envelope::decode(&raw)?;
        self.check_place(&envelope)?;
        self.check_room(raw.len())?;
        let record = Record::decode(envelope.kind, envelope.body)?;
        let root = self.root_for(&record)?;
        if !root.verify(&envelope.digest, &envelope.signature) {
            return Err(LogError::Signature { seq: envelope.seq });
        }
        let head = envelope.digest;
        self.apply(&record, root)?;
        self.head = head;
        self.bytes += raw.len();
        self.records.push(raw);
        Ok(record)
    }

    /// Signs `record` as the next one, checks it like any other and returns its bytes.
    ///
    /// # Errors
    ///
    /// [`LogError`] if nobody would take it.
    pub fn write(&mut self, root: &SessionRoot, record: &Record, now: Wall) -> Result<Bytes, LogError> {
        let raw = Envelope::sign(root, &self.session, self.next_seq(), &self.head, now, record)?;
        self.append(raw.clone())?;
        Ok(raw)
    }

    /// Tells whether the log holds this very record already.
    #[must_use]
    pub fn holds(&self, raw: &[u8]) -> bool {
        let seq = Envelope::decode(raw).ok().and_then(|envelope| usize::try_from(envelope.seq).ok());
        seq.and_then(|seq| self.records.get(seq)).is_some_and(|known| known == raw)
    }

    fn check_place(&self, envelope: &Envelope<'_>) -> Result<(), LogError> {
        let (seq, next) = (envelope.seq, self.next_seq());
        if envelope.session != self.session {
            return Err(LogError::Session);
        }
        if seq != next {
            return Err(LogError::Seq { found: seq, next });
        }
        if envelope.prev != self.head {
            return Err(LogError::Prev { seq });
        }
        if self.is_ended {
            return Err(LogError::Ended);
        }
        Ok(())
    }

    const fn check_room(&self, bytes: usize) -> Result<(), LogError> {
        let has_room = self.records.len() < LOG_RECORDS_MAX && self.bytes + bytes <= LOG_BYTES_MAX;
        if has_room { Ok(()) } else { Err(LogError::Full) }
    }

    /// Returns the key that must have signed `record`: a Genesis record brings it, all others find it here.
    fn root_for(&self, record: &Record) -> Result<VerifyKey, LogError> {
        match (&self.root, record) {
            (None, Record::Genesis { root }) if root.session_id() == self.session => {
                VerifyKey::try_from(*root).map_err(|_| LogError::Genesis)
            }
            (Some(root), record) if !matches!(record, Record::Genesis { .. }) => Ok(root.clone()),
            _ => Err(LogError::Genesis),
        }
    }

    /// Checks what the record means against what the log says so far, then lets it count.
    fn apply(&mut self, record: &Record, root: VerifyKey) -> Result<(), LogError> {
        match record {
            Record::Genesis { .. } => self.root = Some(root),
            Record::Share(cert) => {
                self.check_share(cert, root.public())?;
                self.shares.push(cert.clone());
            }
            Record::Epoch { epoch, commit } => {
                let next = self.commits.len() as u32;
                if epoch.0 != next {
                    return Err(LogError::Epoch { found: epoch.0, next });
                }
                self.commits.push(*commit);
                self.epoch_seq = self.next_seq();
            }
            Record::Host(cert) => self.host = Some(self.check_host(cert).map_err(LogError::Host)?),
            Record::Close { share, stay } => self.doors.close(*share, stay),
            Record::End => self.is_ended = true,
            Record::Cut(cuts) => self.lanes.cut(cuts, self.epoch())?,
            Record::Checkpoint(checkpoint) => self.lanes.vouch(checkpoint, self.epoch())?,
            Record::Admit(author) => self.doors.let_in(*author),
            Record::Roll(roll) => self.lanes.roll(roll, self.epoch())?,
            Record::Unknown { .. } => {}
        }
        Ok(())
    }

    fn check_share(&self, cert: &ShareCert, root: PublicKey) -> Result<(), LogError> {
        let share = cert.share;
        if self.share(&share).is_some() {
            return Err(LogError::ShareTwice { share });
        }
        if self.shares.len() >= SHARES_MAX {
            return Err(LogError::SharesFull);
        }
        let is_from_root = cert.session == self.session && cert.issuer == root && cert.parent == [0; 32];
        if is_from_root && cert.is_signed() { Ok(()) } else { Err(LogError::Share { share }) }
    }

    fn check_host(&self, cert: &MemberCert) -> Result<VerifiedMember, ChainError> {
        let share = self.share(&cert.share).ok_or(ChainError::NotInLog { share: cert.share })?;
        let member = Chain { member: cert.clone(), shares: vec![share.clone()] }.verify(&self.session)?;
        self.admits(&member)?;
        Ok(member)
    }

    /// Checks that the log admits a member: its chain is one that the owner recorded, no share of it is closed to it,
    /// and it was let in where a share wants that.
    ///
    /// Neither time nor the end of the session is asked, so all who hold the same records decide alike.
    ///
    /// # Errors
    ///
    /// [`ChainError::Root`], [`ChainError::NotInLog`], [`ChainError::Closed`] or, if nothing else is in the way,
    /// [`ChainError::NotLetIn`].
    pub fn admits(&self, member: &VerifiedMember) -> Result<(), ChainError> {
        self.records_chain(member)?;
        let (author, shares) = (member.author(), &member.chain().shares);
        if let Some(cert) = shares.iter().find(|cert| self.is_closed_to(&cert.share, &author)) {
            return Err(ChainError::Closed { share: cert.share });
        }
        match shares.iter().find(|cert| cert.flags.contains(ShareFlags::APPROVE)) {
            Some(cert) if !self.is_let_in(&author) => Err(ChainError::NotLetIn { share: cert.share }),
            _ => Ok(()),
        }
    }

    /// Checks that a share, passed on or not, is one by which members may still come: the owner recorded the one under
    /// the root, and none is closed, be it but for some.
    ///
    /// # Errors
    ///
    /// [`ChainError::Root`], [`ChainError::NotInLog`] or [`ChainError::Closed`].
    pub fn admits_share(&self, share: &VerifiedShare) -> Result<(), ChainError> {
        self.records_shares(share.certs(), share.root())?;
        let closed = share.certs().iter().find(|cert| self.is_closed(&cert.share));
        closed.map_or(Ok(()), |cert| Err(ChainError::Closed { share: cert.share }))
    }

    /// Checks that a member's chain is one that the owner recorded, be its shares closed or not.
    ///
    /// What a member wrote into a document before its share was closed stays: later changes of others stand on it, so
    /// who comes later must be able to read it.
    ///
    /// # Errors
    ///
    /// [`ChainError::Root`] or [`ChainError::NotInLog`].
    pub fn records_chain(&self, member: &VerifiedMember) -> Result<(), ChainError> {
        self.records_shares(&member.chain().shares, member.root())
    }

    fn records_shares(&self, shares: &[ShareCert], above: PublicKey) -> Result<(), ChainError> {
        let root = self.root().filter(|root| *root == above).ok_or(ChainError::Root)?;
        // One passed on is in no record, and may not pass for one that is: whoever issued it has chosen its name.
        let is_known = |cert: &ShareCert| match self.share(&cert.share) {
            Some(known) => known == cert,
            None => cert.issuer != root,
        };
        let unknown = shares.iter().find(|cert| !is_known(cert));
        unknown.map_or(Ok(()), |cert| Err(ChainError::NotInLog { share: cert.share }))
    }

    /// Returns how far the entries of `lane` count, a durable one, given its author. PROTOCOL.md 5.
    #[must_use]
    pub fn end_of(&self, lane: &LaneId, member: &VerifiedMember) -> LaneEnd {
        let is_newest = Some(lane.epoch) == self.epoch();
        if let Some(document) = lane.channel.document_of_checkpoint() {
            return self.end_of_checkpoint(document, lane.epoch, is_newest);
        }
        match self.lanes.cut_of(lane) {
            Some(cut) => LaneEnd::At { next: cut.next, digest: Some(cut.digest) },
            None if is_newest && self.admits(member).is_ok() => LaneEnd::Open,
            None => LaneEnd::NOTHING,
        }
    }

    /// Until the newest epoch has a checkpoint of its own, that of an earlier one is all that a newcomer has to go by.
    fn end_of_checkpoint(&self, document: Channel, epoch: Epoch, is_newest: bool) -> LaneEnd {
        match self.checkpoint(document) {
            _ if is_newest => LaneEnd::Open,
            Some(newest) if newest.epoch == epoch => {
                LaneEnd::At { next: newest.segments.into(), digest: Some(newest.last) }
            }
            _ => LaneEnd::NOTHING,
        }
    }

    /// Returns the session that the log is about.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Returns all records as they stand on the wire.
    #[must_use]
    pub fn records(&self) -> &[Bytes] {
        &self.records
    }

    /// Returns the place of the record that comes next.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.records.len() as u64
    }

    /// Returns the digest of the newest record, zero if there is none.
    #[must_use]
    pub const fn head(&self) -> [u8; 32] {
        self.head
    }

    /// Returns the owner's key, once the Genesis record is here.
    #[must_use]
    pub fn root(&self) -> Option<PublicKey> {
        self.root.as_ref().map(VerifyKey::public)
    }

    /// Returns the certificate that the owner recorded for `share`, closed or not.
    #[must_use]
    pub fn share(&self, share: &ShareId) -> Option<&ShareCert> {
        self.shares.iter().find(|cert| cert.share == *share)
    }

    /// Returns all recorded shares, oldest first, closed ones too.
    pub fn shares(&self) -> impl Iterator<Item = &ShareCert> {
        self.shares.iter()
    }

    /// Says whether the owner closed `share`, be it but for some; it may be one that others issued below the owner's.
    #[must_use]
    pub fn is_closed(&self, share: &ShareId) -> bool {
        self.doors.is_closed(share)
    }

    /// Says whether the owner closed `share`, and `author` is not among those who stay.
    #[must_use]
    pub fn is_closed_to(&self, share: &ShareId, author: &AuthorId) -> bool {
        self.doors.is_closed_to(share, author)
    }

    /// Says whether `share` is closed, but not to all of its members.
    #[must_use]
    pub fn stays_open_for_some(&self, share: &ShareId) -> bool {
        self.doors.stays_open_for_some(share)
    }

    /// Says whether the owner let `author` in by name.
    #[must_use]
    pub fn is_let_in(&self, author: &AuthorId) -> bool {
        self.doors.is_let_in(author)
    }

    /// Returns when the owner says that it wrote the record at `seq`; nothing is decided by it.
    #[must_use]
    pub fn time_of(&self, seq: u64) -> Option<Wall> {
        let raw = self.records.get(usize::try_from(seq).ok()?)?;
        Envelope::decode(raw).ok().map(|envelope| envelope.time)
    }

    /// Returns all records with their places and the times the owner gave them.
    pub fn decoded(&self) -> impl Iterator<Item = (u64, Wall, Record)> {
        self.records.iter().filter_map(|raw| {
            let envelope = Envelope::decode(raw).ok()?;
            let record = Record::decode(envelope.kind, envelope.body).ok()?;
            Some((envelope.seq, envelope.time, record))
        })
    }

    /// Returns the newest epoch.
    #[must_use]
    pub fn epoch(&self) -> Option<Epoch> {
        self.commits.len().checked_sub(1).map(|newest| Epoch(newest as u32))
    }

    /// Returns the place of the record by which the newest epoch began; the first one's before any did.
    #[must_use]
    pub const fn epoch_seq(&self) -> u64 {
        self.epoch_seq
    }

    /// Returns the commitment to the secret of `epoch`.
    #[must_use]
    pub fn commit(&self, epoch: Epoch) -> Option<[u8; 32]> {
        self.commits.get(epoch.0 as usize).copied()
    }

    /// Returns the member that publishes terminals.
    #[must_use]
    pub fn host(&self) -> Option<AuthorId> {
        self.host_member().map(VerifiedMember::author)
    }

    /// Returns the member that publishes terminals, with its keys.
    #[must_use]
    pub const fn host_member(&self) -> Option<&VerifiedMember> {
        self.host.as_ref()
    }

    /// Says whether the owner ended the session.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.is_ended
    }
}
