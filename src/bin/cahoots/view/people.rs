//! The panel that lists who is here.

use ratatui::text::{Line, Span};

use super::draw::Theme;
use super::wrap::cut;
use cahoots::Member;

/// Lays out one line per member, and one that counts those who found no room.
pub(crate) fn lines(members: &[Member], width: usize, height: usize, theme: Theme) -> Vec<Line<'static>> {
    let shown = if members.len() > height { height.saturating_sub(1) } else { members.len() };
    let mut lines: Vec<_> = members.iter().take(shown).map(|member| line(member, width, theme)).collect();
    if shown < members.len() {
        lines.push(Line::styled(format!("and {} more", members.len() - shown), theme.dim()));
    }
    lines
}

fn line(member: &Member, width: usize, theme: Theme) -> Line<'static> {
    let mut said = member.rights.to_string();
    for (holds, word) in [(member.is_host, "host"), (member.is_me, "you"), (member.typing, "typing…")] {
        if holds {
            said = format!("{said}, {word}");
        }
    }
    // The name gives way, not the rights: those decide whom to worry about.
    let name = cut(&member.name, width.saturating_sub(said.len() + 4).max(6));
    Line::from(vec![
        Span::styled("● ", theme.person(member.colour)),
        Span::styled(name, theme.person(member.colour)),
        Span::styled(format!("  {said}"), theme.dim()),
    ])
}
