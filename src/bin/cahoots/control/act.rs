//! Does in the running session what its owner asks from a second terminal.

use std::time::Duration;

use cahoots::{
    AuthorId, DriverPolicy, DrivingError, Host, Link, LinkInfo, Member, OwnerError, PaneId, Passphrase, ShareId, Terms,
    Wall,
};

use super::message::{
    Added, DriverLine, LinkLine, LinkState, MemberLine, NewLink, Policy, Proposed, Refusal, Reply, Request, Secret,
};
use super::socket::Socket;
use crate::audit;

/// Digits of an id that people are shown.
pub(crate) const SHORT: usize = 8;

/// Answers until the future is dropped.
pub(crate) async fn serve(host: &Host, socket: Option<Socket>) -> std::convert::Infallible {
    if let Some(mut socket) = socket {
        while let Some((request, replier)) = socket.next().await {
            // A client that has gone does not want to know.
            let _ = replier.send(act(host, request).await.into());
        }
    }
    std::future::pending().await
}

async fn act(host: &Host, request: Request) -> Result<Reply, Refusal> {
    match request {
        Request::Links => Ok(Reply::Links(host.links().iter().map(link_line).collect())),
        Request::AddLink(link) => add(host, *link).await,
        Request::RevokeLink { link } => {
            let id = find_link(host, &link)?;
            host.revoke(id).map_err(refused)?;
            Ok(Reply::Revoked { links: vec![id.to_string()] })
        }
        Request::Members => Ok(members(host)),
        Request::Kick { member, new_link } => kick(host, &member, new_link),
        Request::Admit { member } => {
            let member = find_waiting(host, &member)?;
            host.let_in(member).map_err(refused)?;
            Ok(Reply::Answered { member: member.to_string() })
        }
        Request::Deny { member } => {
            let member = find_waiting(host, &member)?;
            host.turn_away(member).map_err(refused)?;
            Ok(Reply::Answered { member: member.to_string() })
        }
        Request::Panic => panic_key(host),
        Request::Rekey => Ok(Reply::Rekeyed { epoch: host.rekey().map_err(refused)?.0 }),
        Request::Drivers => Ok(Reply::Drivers(drivers(host))),
        Request::DriverPolicy { pane, policy, lapse_s } => {
            host.set_driver_policy(PaneId(pane), policy_of(policy, lapse_s)).map_err(not_driven)?;
            Ok(Reply::Done)
        }
        Request::Grant { pane, member } => {
            let driver = member.map(|member| find_driver(host, &member)).transpose()?;
            host.grant(PaneId(pane), driver).map_err(not_driven)?;
            Ok(Reply::Done)
        }
        Request::AnswerLine { pane, member, accept } => {
            let member = find_member(host, &member)?;
            host.answer_line(PaneId(pane), member.author, accept).map_err(not_driven)?;
            Ok(Reply::Done)
        }
        Request::ExportAudit { file, contents } => match audit::export(host.session(), &file, contents) {
            Ok(bytes) => Ok(Reply::Exported { bytes }),
            Err(error) => Err(Refusal::new(format!("cannot write {}: {error}", file.display()), "")),
        },
    }
}

fn refused(error: OwnerError) -> Refusal {
    Refusal::new(error, error.hint())
}

fn not_driven(error: DrivingError) -> Refusal {
    let hint = match error {
        DrivingError::NoDriver(_) => "`cahoots drive policy one` has one drive at a time",
        DrivingError::NoLine { .. } => "`cahoots drive` lists the lines that wait",
        _ => "",
    };
    Refusal::new(error, hint)
}

async fn add(host: &Host, wanted: NewLink) -> Result<Reply, Refusal> {
    let mut terms = Terms::new(wanted.access.into()).lasting(Duration::from_secs(wanted.lasts_s));
    (terms.members_max, terms.approve, terms.once) = (wanted.members_max, wanted.approve, wanted.once);
    terms.may_pass_on = wanted.may_pass_on;
    if let Some(label) = &wanted.label {
        terms = terms.labelled(label);
    }
    let link = match wanted.passphrase {
        Some(Secret(words)) => {
            let passphrase = Passphrase::new(words).map_err(|error| Refusal::new(error, ""))?;
            host.share_with_passphrase(terms, passphrase).await
        }
        None => host.share(terms),
    };
    Ok(Reply::Added(added(host, &link.map_err(refused)?)?))
}

fn added(host: &Host, link: &Link) -> Result<Added, Refusal> {
    let id = host.id_of(link);
    let info = host.links().into_iter().find(|info| Some(info.id) == id);
    let info = info.ok_or_else(|| Refusal::new("the new link is gone already", ""))?;
    Ok(Added {
        link: info.id.to_string(),
        access: info.access.to_string(),
        label: info.label,
        expires_ms: info.expires.0,
        url: crate::share::text_of(host, link),
    })
}

/// Cuts a member off. What cannot be replaced is said by what is missing.
fn kick(host: &Host, member: &str, new_link: bool) -> Result<Reply, Refusal> {
    let (member, name) = match find_waiting(host, member) {
        Ok(waiting) => (waiting, waiting.to_string()),
        Err(_) => find_member(host, member).map(|member| (member.author, member.name))?,
    };
    let link = host.kick(member).map_err(refused)?;
    let replacement = if new_link { host.replace(link).map_err(refused)? } else { None };
    let replacement = replacement.map(|link| added(host, &link)).transpose()?;
    Ok(Reply::Kicked { member: member.to_string(), name, link: link.to_string(), replacement })
}

fn panic_key(host: &Host) -> Result<Reply, Refusal> {
    let open = |info: &LinkInfo| !info.is_closed;
    let links = host.links().iter().filter(|info| open(info)).map(|info| info.id.to_string()).collect();
    host.revoke_all().map_err(refused)?;
    Ok(Reply::Revoked { links })
}

fn link_line(info: &LinkInfo) -> LinkLine {
    let state = if info.is_closed {
        LinkState::Revoked
    } else if info.expires <= now() {
        LinkState::Expired
    } else {
        LinkState::Open
    };
    LinkLine {
        link: info.id.to_string(),
        access: info.access.to_string(),
        label: info.label.clone(),
        state,
        here: info.here,
        members_max: info.members_max,
        expires_ms: info.expires.0,
        passphrase: info.passphrase,
        approve: info.approve,
        once: info.once,
        may_pass_on: info.may_pass_on,
        passed_on_from: info.passed_on_from.map(|id| id.to_string()),
    }
}

/// Reads the system's clock.
pub(crate) fn now() -> Wall {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Wall(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn members(host: &Host) -> Reply {
    let links = host.links();
    let line = |member: &Member, waiting: bool| MemberLine {
        member: member.author.to_string(),
        name: (!waiting).then(|| member.name.clone()),
        access: member.rights.to_string(),
        link: member.link.filter(|_| !member.is_host).map(|link| link.to_string()),
        label: links.iter().find(|info| Some(info.id) == member.link).and_then(|info| info.label.clone()),
        host: member.is_host,
        waiting,
    };
    let mut here = host.session().members().iter().map(|member| line(member, false)).collect::<Vec<_>>();
    here.sort_by_key(|member| !member.host);
    let outside = host.waiting();
    Reply::Members(here.into_iter().chain(outside.iter().map(|member| line(member, true))).collect())
}

fn drivers(host: &Host) -> Vec<DriverLine> {
    let members = host.session().members();
    let name_of = |author: AuthorId| {
        members.iter().find(|member| member.author == author).map_or_else(|| author.to_string(), |m| m.name.clone())
    };
    let panes = host.session().state().panes;
    let line = |(pane, info): (PaneId, cahoots::PaneInfo)| {
        let policy = host.driver_policy(pane)?;
        let driver = host.driver(pane);
        Some(DriverLine {
            pane: pane.0,
            title: info.title,
            policy: named(policy),
            driver: driver.map(|author| author.to_string()),
            driver_name: driver.map(name_of),
            wishes: host.wishes(pane).into_iter().map(name_of).collect(),
            lines: host
                .proposed_lines()
                .into_iter()
                .filter(|(of, ..)| *of == pane)
                .map(|(_, author, line)| Proposed { member: author.to_string(), name: name_of(author), line })
                .collect(),
        })
    };
    panes.into_iter().filter_map(line).collect()
}

const fn named(policy: DriverPolicy) -> Policy {
    match policy {
        DriverPolicy::Everybody => Policy::All,
        DriverPolicy::One { .. } => Policy::One,
        DriverPolicy::ApproveLines => Policy::Lines,
    }
}

fn policy_of(policy: Policy, lapse_s: Option<u64>) -> DriverPolicy {
    match (policy, lapse_s) {
        (Policy::All, _) => DriverPolicy::Everybody,
        (Policy::One, None) => DriverPolicy::ONE,
        (Policy::One, Some(lapse_s)) => DriverPolicy::One { lapse_ms: lapse_s.saturating_mul(1_000) },
        (Policy::Lines, _) => DriverPolicy::ApproveLines,
    }
}

fn find_link(host: &Host, wanted: &str) -> Result<ShareId, Refusal> {
    let links = host.links();
    let named = links.iter().map(|info| (info.id, info.id.to_string(), info.label.clone()));
    let open: Vec<_> = links.iter().filter(|info| !info.is_closed).map(|info| info.id).collect();
    find("link", "`cahoots links` lists them", wanted, named, |id| open.contains(id))
}

/// Finds who is to drive, which the host itself may as well.
fn find_driver(host: &Host, wanted: &str) -> Result<AuthorId, Refusal> {
    let members = host.session().members();
    let named = members.iter().map(|member| (member.author, member.author.to_string(), Some(member.name.clone())));
    find("member", "`cahoots members` lists them", wanted, named, |_| true)
}

fn find_member(host: &Host, wanted: &str) -> Result<Member, Refusal> {
    let members = host.session().members();
    let others = members.iter().filter(|member| !member.is_host);
    let named = others.map(|member| (member.author, member.author.to_string(), Some(member.name.clone())));
    let author = find("member", "`cahoots members` lists them", wanted, named, |_| true)?;
    members.into_iter().find(|member| member.author == author).ok_or_else(|| Refusal::new("they have just left", ""))
}

fn find_waiting(host: &Host, wanted: &str) -> Result<AuthorId, Refusal> {
    let waiting = host.waiting();
    let named = waiting.iter().map(|member| (member.author, member.author.to_string(), None));
    let what = "member that waits";
    find(what, "`cahoots members` lists who waits", wanted, named, |_| true)
}

/// Finds the one thing of this name, or whose id begins like this. Of several the preferred one, if only one is.
fn find<T: Copy>(
    what: &str,
    hint: &str,
    wanted: &str,
    all: impl Iterator<Item = (T, String, Option<String>)>,
    is_preferred: impl Fn(&T) -> bool,
) -> Result<T, Refusal> {
    let wanted = wanted.trim().to_lowercase();
    // People copy the key as it is shown, with a space.
    let digits: String = wanted.chars().filter(|c| !c.is_whitespace()).collect();
    let fits = |id: &str, name: &Option<String>| {
        let is_named = name.as_ref().is_some_and(|name| name.to_lowercase() == wanted);
        is_named || (!digits.is_empty() && id.starts_with(&digits))
    };
    let mut found: Vec<_> = all.filter(|(_, id, name)| fits(id, name)).collect();
    if found.len() > 1 && found.iter().any(|(thing, ..)| is_preferred(thing)) {
        found.retain(|(thing, ..)| is_preferred(thing));
    }
    match found.as_slice() {
        [(thing, ..)] => Ok(*thing),
        [] => Err(Refusal::new(format!("there is no {what} {wanted}"), hint)),
        several => {
            let ids: Vec<_> = several.iter().map(|(_, id, _)| id.chars().take(SHORT).collect::<String>()).collect();
            Err(Refusal::new(
                format!("{wanted} is not one {what} but {}", several.len()),
                format!("say which: {}", ids.join(", ")),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = (u8, String, Option<String>)> {
        let name = |name: &str| Some(name.to_owned());
        vec![(1, "3f2a91bc".into(), name("Ben")), (2, "3f99".into(), name("ben")), (3, "ab".into(), None)].into_iter()
    }

    /// Kicking the wrong one of two is worse than asking: a name is whatever its bearer says.
    #[test]
    fn one_is_found_or_the_owner_asked() {
        let found = |wanted| find("member", "list", wanted, all(), |_| true);
        assert_eq!(found("3f2a 91").unwrap(), 1);
        assert_eq!(found("AB").unwrap(), 3);
        let asked = found("Ben").unwrap_err();
        assert_eq!(asked, Refusal::new("ben is not one member but 2", "say which: 3f2a91bc, 3f99"));
        assert_eq!(found("").unwrap_err(), Refusal::new("there is no member ", "list"));
        assert!(found("cleo").is_err());
    }

    /// A label outlives its link when that is replaced: the open one is meant.
    #[test]
    fn preferred_one_is_found_among_several() {
        assert_eq!(find("link", "", "ben", all(), |id| *id == 2).unwrap(), 2);
        assert_eq!(find("link", "", "3f2a", all(), |id| *id == 2).unwrap(), 1);
    }
}
