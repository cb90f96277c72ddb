//! What the owner is asked in the own terminal, in words.

use cahoots::{AuthorId, Event, Host, Member, PaneId, sanitise_line};

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
            Some(Question { about: About::Alarm, text })
        }
        _ => None,
    }
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
        About::Alarm => false,
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
