//! Who may do what: links, the people who came by them, and the key that they share.

use super::Host;
use crate::passphrase::Passphrase;
use crate::proto::id::{AuthorId, Epoch, ShareId};
use crate::proto::session::{OwnerError, ShareInfo, ShareTerms};
use crate::proto::share::{Rights, ShareFlags};
use crate::proto::terminal::sanitise_line;
use crate::proto::time::Wall;
use crate::proto::token::{Access, Link, Token};
use crate::proto::verify::derive;
use crate::session::Member;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a link lasts unless said otherwise.
pub const SHARE_LASTS: Duration = Duration::from_secs(24 * 3_600);
/// Longest label, in bytes.
const LABEL_BYTES_MAX: usize = 64;

/// What a link allows, to whom, and for how long.
///
/// ```
/// use cahoots::{Access, Terms};
/// use std::time::Duration;
///
/// let terms = Terms::new(Access::Interact).lasting(Duration::from_secs(7_200)).approved().labelled("ops");
/// assert!(terms.approve && !terms.once);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Terms {
    /// View, interact or own.
    pub access: Access,
    /// How long it can be joined and used.
    pub lasts: Duration,
    /// How many may be connected by it at one time; `None` leaves it to the session's limit.
    pub members_max: Option<u32>,
    /// Whether nobody comes in by it before [`Host::let_in`] says so.
    pub approve: bool,
    /// Whether it is for the first who comes, and for nobody after.
    pub once: bool,
    /// Whether its holders may make narrower links of it.
    pub may_pass_on: bool,
    /// A word for the owner to know it by; nobody else sees it.
    pub label: Option<String>,
}

impl Terms {
    /// Returns the usual terms: 24 hours, any number of people, who may come as they like.
    #[must_use]
    pub const fn new(access: Access) -> Self {
        Self {
            access,
            lasts: SHARE_LASTS,
            members_max: None,
            approve: false,
            once: false,
            may_pass_on: false,
            label: None,
        }
    }

    /// Sets how long the link can be joined and used.
    #[must_use]
    pub const fn lasting(mut self, lasts: Duration) -> Self {
        self.lasts = lasts;
        self
    }

    /// Sets how many may be connected by it at one time.
    #[must_use]
    pub const fn members_max(mut self, members_max: u32) -> Self {
        self.members_max = Some(members_max);
        self
    }

    /// Has everybody who comes by it wait for [`Host::let_in`].
    #[must_use]
    pub const fn approved(mut self) -> Self {
        self.approve = true;
        self
    }

    /// Makes it good for one person, once.
    #[must_use]
    pub const fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Lets its holders make narrower links of it, which end with it.
    #[must_use]
    pub const fn passed_on(mut self) -> Self {
        self.may_pass_on = true;
        self
    }

    /// Gives it a word to know it by, cut at 64 bytes.
    #[must_use]
    pub fn labelled(mut self, label: &str) -> Self {
        self.label = Some(sanitise_line(label, LABEL_BYTES_MAX)).filter(|label| !label.is_empty());
        self
    }

    pub(crate) fn into_certified(self) -> (ShareTerms, Option<String>) {
        let certified = ShareTerms {
            access: self.access,
            lasts_ms: u64::try_from(self.lasts.as_millis()).unwrap_or(u64::MAX),
            members_max: self.members_max,
            approve: self.approve,
            once: self.once,
            may_pass_on: self.may_pass_on,
        };
        (certified, self.label)
    }
}

/// A link as it stands; not its secret, which the session does not keep.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LinkInfo {
    /// Its name in the session, which is public.
    pub id: ShareId,
    /// What it allows.
    pub access: Access,
    /// The word to know it by; of one that a member had made by an own link, by whom.
    pub label: Option<String>,
    /// Until when it can be joined and used.
    pub expires: Wall,
    /// How many may be connected by it at one time, if it has a bound of its own.
    pub members_max: Option<u32>,
    /// Whether guests need a passphrase beside it.
    pub passphrase: bool,
    /// Whether who comes by it waits for [`Host::let_in`].
    pub approve: bool,
    /// Whether it is for one person alone.
    pub once: bool,
    /// Whether its holders may make narrower links of it.
    pub may_pass_on: bool,
    /// Whether nobody comes by it any more; some who came before may still be here.
    pub is_closed: bool,
    /// The link that it was passed on from, if a guest made it.
    pub passed_on_from: Option<ShareId>,
    /// How many are here by it.
    pub here: usize,
}

impl LinkInfo {
    fn new(share: &ShareInfo, label: Option<String>) -> Self {
        Self {
            id: share.share,
            access: access_of(share.rights),
            label,
            expires: share.expires,
            members_max: share.members_max,
            passphrase: share.flags.contains(ShareFlags::PASSPHRASE),
            approve: share.flags.contains(ShareFlags::APPROVE),
            once: share.flags.contains(ShareFlags::ONCE),
            may_pass_on: share.rights.contains(Rights::DELEGATE),
            is_closed: share.is_closed,
            passed_on_from: share.passed_on_below,
            here: share.here,
        }
    }
}

fn access_of(rights: Rights) -> Access {
    if rights.contains(Rights::ADMIN) {
        Access::Own
    } else if rights.contains(Rights::INPUT) {
        Access::Interact
    } else {
        Access::View
    }
}

/// What the host knows of the links that it issued, besides what everybody may know.
#[derive(Debug, Default)]
pub(super) struct Issued(Mutex<BTreeMap<ShareId, Memo>>);

#[derive(Debug)]
struct Memo {
    label: Option<String>,
    /// Tells whether a link is this one, and gives its secret to nobody.
    digest: [u8; 32],
}

impl Issued {
    fn with<R>(&self, call: impl FnOnce(&mut BTreeMap<ShareId, Memo>) -> R) -> R {
        call(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn label(&self, share: &ShareId) -> Option<String> {
        self.with(|issued| issued.get(share).and_then(|memo| memo.label.clone()))
    }
}

fn digest(token: &Token) -> [u8; 32] {
    let text = zeroize::Zeroizing::new(token.reveal());
    derive("issued link", &[text.as_bytes()])
}

impl Host {
    /// Issues a link. The link is the secret: whoever has it can join by it.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if the session has too many links.
    pub fn share(&self, terms: Terms) -> Result<Link, OwnerError> {
        let (certified, label) = terms.into_certified();
        let (token, share) = self.session.core.with(|inner, now| {
            let token = inner.peer.share(&certified, now)?;
            // The newest that was issued here; those that guests passed on are listed behind.
            let share = inner.peer.shares().into_iter().rfind(|share| share.passed_on_below.is_none());
            Ok::<_, OwnerError>((token, share.map(|share| share.share)))
        })?;
        Ok(self.note_issued(token, share, label))
    }

    /// Issues a link that needs a passphrase beside it. Agree on the words by another way than the link goes: who
    /// finds the link alone gets nowhere.
    ///
    /// Takes a good part of a second, on a thread of its own.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if the session has too many links.
    pub async fn share_with_passphrase(&self, terms: Terms, passphrase: Passphrase) -> Result<Link, OwnerError> {
        let core = &self.session.core;
        let (session, seed) = core.with(|inner, _| (inner.peer.session(), inner.peer.draw_share_seed()));
        let hash = passphrase.hash(Token::new(terms.access, &session, seed, ShareFlags::PASSPHRASE)).await;
        let (certified, label) = terms.into_certified();
        let token = core.with(|inner, now| inner.peer.share_with(&certified, seed, Some(&hash), now))?;
        let share = token.secret_with(Some(&hash)).ok().map(|secret| secret.share_id());
        Ok(self.note_issued(token, share, label))
    }

    fn note_issued(&self, token: Token, share: Option<ShareId>, label: Option<String>) -> Link {
        if let Some(share) = share {
            let digest = digest(&token);
            self.issued.with(|issued| issued.insert(share, Memo { label, digest }));
        }
        Link { token, relay: self.relay.clone() }
    }

    /// Returns the links of the session, those that guests passed on too; not the host's own.
    #[must_use]
    pub fn links(&self) -> Vec<LinkInfo> {
        let shares = self.session.core.read(|inner, _| inner.peer.shares());
        let others = shares.iter().filter(|share| !share.is_own);
        let label = |share: &ShareInfo| self.issued.label(&share.share).or_else(|| Some(self.made_by(share.made_by?)));
        others.map(|share| LinkInfo::new(share, label(share))).collect()
    }

    fn made_by(&self, author: AuthorId) -> String {
        let name = self.session.core.read(|inner, _| Member::outside(&inner.peer, author).name);
        sanitise_line(&format!("made by {name}"), LABEL_BYTES_MAX)
    }

    /// Returns the name of a link that this host issued, to revoke it by.
    #[must_use]
    pub fn id_of(&self, link: &Link) -> Option<ShareId> {
        let digest = digest(&link.token);
        self.issued.with(|issued| issued.iter().find(|(_, memo)| memo.digest == digest).map(|(share, _)| *share))
    }

    /// Revokes a link: its holders are cut off at once, nobody joins by it any more, and nothing that is said from now
    /// on can be read with what they know. Links that were passed on from it go with it.
    ///
    /// # Errors
    ///
    /// [`OwnerError::NoShare`] if the link is not of this session.
    pub fn revoke(&self, link: ShareId) -> Result<(), OwnerError> {
        self.session.core.with(|inner, now| inner.peer.revoke(link, now))
    }

    /// Revokes every link at once, and returns how many were open. The terminals go on.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if the session is over.
    pub fn revoke_all(&self) -> Result<usize, OwnerError> {
        self.session.core.with(|inner, now| inner.peer.revoke_all(now))
    }

    /// Removes one member. The link that it came by is closed, for it has the secret; the others who came by it stay, as long as
    /// their programs run: one that is started anew is somebody else, and needs the new link.
    /// Returns that link; [`replace`](Self::replace) makes another one like it.
    ///
    /// # Errors
    ///
    /// [`OwnerError::NoMember`] if there is no such member, [`OwnerError::Own`] for the host itself.
    pub fn kick(&self, member: AuthorId) -> Result<ShareId, OwnerError> {
        self.session.core.with(|inner, now| inner.peer.kick(member, now))
    }

    /// Issues a link on the terms of another one that this host issued, for as long as that one would have lasted.
    ///
    /// `None` where there is nothing to replace: the link was for one person, a guest passed it on, it has expired, or
    /// it has a passphrase, which only [`share_with_passphrase`](Self::share_with_passphrase) can give to another.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if the session has too many links.
    pub fn replace(&self, link: ShareId) -> Result<Option<Link>, OwnerError> {
        let Some(old) = self.links().into_iter().find(|info| info.id == link) else { return Ok(None) };
        let left_ms = old.expires.since_ms(self.session.core.clock.now().wall);
        if old.once || old.passphrase || old.passed_on_from.is_some() || left_ms == 0 {
            return Ok(None);
        }
        let terms = Terms {
            access: old.access,
            lasts: Duration::from_millis(left_ms),
            members_max: old.members_max,
            approve: old.approve,
            once: false,
            may_pass_on: old.may_pass_on,
            label: self.issued.label(&link),
        };
        self.share(terms).map(Some)
    }

    /// Returns who came by a link whose members are let in one by one, and waits. Nothing is proven of them but that
    /// they have the link; compare [`Member::key`] with what they see, over the phone say.
    #[must_use]
    pub fn waiting(&self) -> Vec<Member> {
        self.session.core.read(|inner, _| {
            inner.peer.waiting().into_iter().map(|author| Member::outside(&inner.peer, author)).collect()
        })
    }

    /// Lets somebody in who waits.
    ///
    /// # Errors
    ///
    /// [`OwnerError::NotWaiting`] if nobody of this name waits.
    pub fn let_in(&self, member: AuthorId) -> Result<(), OwnerError> {
        self.session.core.with(|inner, now| inner.peer.let_in(member, now))
    }

    /// Turns somebody away who waits: it is told so, and not heard of again.
    ///
    /// # Errors
    ///
    /// [`OwnerError::NotWaiting`] if nobody of this name waits.
    pub fn turn_away(&self, member: AuthorId) -> Result<(), OwnerError> {
        self.session.core.with(|inner, now| inner.peer.turn_away(member, now))
    }

    /// Changes the key that everybody who is in shares. Revoking does so by itself; alone, it limits what one stolen
    /// key can read.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if the session is over.
    pub fn rekey(&self) -> Result<Epoch, OwnerError> {
        self.session.core.with(|inner, now| inner.peer.rekey(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::terminal::{Command, Deed, Wanted};
    use crate::{Channel, Event, Guest, Lan};

    /// Links that nobody at the host has made turn up in its list: the owner has to see whose they are.
    #[tokio::test]
    async fn owner_sees_who_had_a_link_made() {
        let host = Host::builder().name("Ada").lan(Lan::Off).start().await.unwrap();
        let own = host.share(Terms::new(Access::Own)).unwrap();
        let mut events = host.session().events();
        let (here, there) = Channel::pair(65_536);
        let (attached, story) = (host.attach(here), async {
            let ann = Guest::builder(own).name("Ann").channel(there).start().await.unwrap();
            while !host.session().members().iter().any(|member| member.name == "Ann") {
                events.next().await.unwrap();
            }
            let wanted = Wanted { access: Access::View, lasts_s: 60, members_max: 0, approve: false, once: false };
            ann.session().core.with(|inner, _| inner.peer.command(Command::Share(wanted))).unwrap();
            loop {
                if let Event::Commanded { by, deed: Deed::MadeLink(link), to: None } = events.next().await.unwrap() {
                    return (by, link);
                }
            }
        });
        let (by, made) = tokio::select! {
            told = story => told,
            () = attached => panic!("the guest stays"),
        };
        let links = host.links();
        let line = links.iter().find(|info| info.id == made).unwrap();
        assert_eq!((by.name.as_str(), line.label.as_deref()), ("Ann", Some("made by Ann")));
        assert!(links.iter().filter(|info| info.id != made).all(|info| info.label.is_none()));
        let replaced = host.replace(made).unwrap().unwrap();
        let replaced = host.links().into_iter().find(|info| Some(info.id) == host.id_of(&replaced)).unwrap();
        assert_eq!(replaced.label, None, "that one the owner has made");
    }
}
