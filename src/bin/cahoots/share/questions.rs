//! What the owner is asked in the own terminal, in words.

use cahoots::{AuthorId, Deed, Event, Host, Member, PaneId, sanitise_line};

use super::prompt::{About, Question};
use crate::table::short;
use crate::text::alarm_text;

/// Longest line of a guest that is shown, in bytes; the prompt cuts it to the window.
const LINE_BYTES_MAX: usize = 4_096;

/// Returns the question that an event raises, if it does.
pub(super) fn of(host: &Host, event: &Event) -> Option<Question> {
    match event {
        Event::Knocked(member) => Some(knock(host, member)),
        Event::LineProposed { pane, author, line: text } => Some(line(*pane, &find(host, author)?, text)),
        Event::DriveWished { pane, author } => find(host, author).map(|member| Question {
            about: About::Drive(*pane, member.author),
            text: format!("let {} (key {}) drive?", member.name, member.key()),
        }),
        Event::Alarm(alarm) => {
            let text = format!("alarm: {}", alarm_text(alarm, &host.session().members()));
            Some(Question { about: About::Notice, text })
        }
        Event::Commanded { by, deed, to } => {
            Some(Question { about: About::Notice, text: commanded(by, *deed, to.as_ref())? })
        }
        _ => None,
    }
}

/// Tells what somebody had the host do by an own link; nothing where the owner's own question shows it by going away.
fn commanded(by: &Member, deed: Deed, to: Option<&Member>) -> Option<String> {
    let what = match deed {
        Deed::MadeLink(link) => format!("made link {}", short(&link.to_string())),
        Deed::Revoked(link) => format!("revoked link {}", short(&link.to_string())),
        Deed::Kicked(_) => format!("removed {}", to.map_or("somebody", |member| &member.name)),
        Deed::RevokedAll => "revoked all links".to_owned(),
        _ => return None,
    };
    let link = by.link.map(|link| format!(", by own link {}", short(&link.to_string()))).unwrap_or_default();
    Some(format!("{} (key {}{link}) {what}", by.name, by.key()))
}

/// Returns the questions that are open, for who has missed events.
pub(super) fn open(host: &Host) -> Vec<Question> {
    let members = host.session().members();
    let knocks = host.waiting().into_iter().map(|member| knock(host, &member));
    let lines = host.proposed_lines().into_iter().filter_map(|(pane, author, text)| {
        members.iter().find(|member| member.author == author).map(|member| line(pane, member, &text))
    });
    knocks.chain(lines).collect()
}

/// Tells whether nobody waits for the answer any more.
pub(super) fn is_over(host: &Host, about: About) -> bool {
    match about {
        About::Knock(author) => host.waiting().iter().all(|member| member.author != author),
        About::Line(pane, author) => host.proposed_lines().iter().all(|(of, by, _)| (*of, *by) != (pane, author)),
        About::Drive(pane, author) => !host.wishes(pane).contains(&author),
        About::Notice => false,
    }
}

fn find(host: &Host, author: &AuthorId) -> Option<Member> {
    host.session().members().into_iter().find(|member| member.author == *author)
}

fn knock(host: &Host, member: &Member) -> Question {
    let links = host.links();
    let link = links.iter().find(|info| Some(info.id) == member.link);
    let by = match link {
        Some(info) => {
            let label = info.label.as_ref().map_or_else(|| short(&info.id.to_string()), |label| format!("\"{label}\""));
            format!("the {} link {}", info.access, label.chars().take(20).collect::<String>())
        }
        None => "a link".to_owned(),
    };
    Question { about: About::Knock(member.author), text: format!("let somebody in, key {}, by {by}?", member.key()) }
}

fn line(pane: PaneId, member: &Member, text: &str) -> Question {
    let shown = sanitise_line(text, LINE_BYTES_MAX);
    Question { about: About::Line(pane, member.author), text: format!("{} wants to run: {shown}", member.name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cahoots::{Access, Guest, Host, Lan, ShareId, Terms};

    /// An own link that has got into wrong hands acts in the owner's name: who sits at the terminal has to see whose.
    #[tokio::test]
    async fn owner_is_told_who_acts_by_an_own_link() {
        let host = Host::builder().name("Ada").lan(Lan::Off).start().await.unwrap();
        let link = host.share(Terms::new(Access::Own)).unwrap();
        let (here, there) = cahoots::Channel::pair(65_536);
        let attached = host.attach(here);
        let joining = Guest::builder(link).name("Ann").channel(there).start();
        let guest = tokio::select! {
            guest = joining => guest.unwrap(),
            () = attached => panic!("the guest is let in"),
        };
        let members = host.session().members();
        let ada = members.iter().find(|member| member.is_me).unwrap();
        let ann =
            Member { name: "Ann".into(), ..guest.session().members().into_iter().find(|member| member.is_me).unwrap() };
        let by = format!("Ann (key {}, by own link {})", ann.key(), short(&ann.link.unwrap().to_string()));
        let told = |deed, to| commanded(&ann, deed, to);
        assert_eq!(told(Deed::RevokedAll, None), Some(format!("{by} revoked all links")));
        assert_eq!(told(Deed::MadeLink(ShareId([0xab; 16])), None), Some(format!("{by} made link abababab")));
        assert_eq!(told(Deed::Kicked(ada.author), Some(ada)), Some(format!("{by} removed Ada")));
        assert_eq!(told(Deed::LetIn(ada.author), Some(ada)), None);
    }
}
