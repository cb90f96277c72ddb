//! What `cahoots share` tells its owner before the shared command begins: links, what they allow, who can use them.

use std::io;

use cahoots::{Access, Host, Link};

use super::{local, text_of};
use crate::args;
use crate::qr;
use crate::text::{self, Paint, print_line};

pub(super) fn print(host: &Host, args: &args::Share, links: &[(Access, Link)]) -> io::Result<()> {
    let paint = Paint::of(&io::stdout());
    for (access, link) in links {
        // At the start of a line of its own: a terminal breaks it, and it can still be copied whole.
        print_line(format!("\n{access} link\n{}", paint.bold(&text_of(host, link))))?;
        if let Some(nearby) = host.web_link(link).filter(|_| link.relay.is_some()) {
            print_line(format!("{access} link, for browsers on this network\n{}", paint.bold(&nearby)))?;
        }
    }
    print_line("")?;
    for (access, _) in links {
        print_line(means(*access, paint))?;
    }
    print_line(uses(args))?;
    if args.web.is_some() {
        print_line(plain_http(args, paint))?;
    }
    for condition in conditions(args) {
        print_line(condition)?;
    }
    print_line(format!("Links work for {}; all ends with the shared command.", text::span(args.conditions.expires)))?;
    print_line("In a second terminal: `cahoots links`, `cahoots members`, `cahoots panic`.")?;
    print_line("")?;
    print_code(host, links, paint)
}

/// Draws the first link, where the screen has room for it: that of those who look, unless something else was asked for.
fn print_code(host: &Host, links: &[(Access, Link)], paint: Paint) -> io::Result<()> {
    let Some((access, link)) = links.first() else { return Ok(()) };
    let size = if paint.is_terminal() { local::own_size().ok() } else { None };
    let code = host.web_link(link).zip(size).and_then(|(web, size)| qr::draw(&web, size, paint));
    let Some(code) = code else { return Ok(()) };
    code.into_iter().try_for_each(print_line)?;
    print_line(format!("The {access} link for a phone on this network."))
}

/// Says what others do with a link.
fn uses(args: &args::Share) -> &'static str {
    match (&args.reach.relay, args.web, args.reach.no_lan) {
        // Its own certificate, which browsers do not know.
        (Some(relay), ..) if relay.fingerprint.is_some() => {
            "Others run `cahoots join` or `cahoots view` and paste a link. It opens in a\n\
             browser, too, after a warning: no authority has signed the relay's certificate."
        }
        (Some(_), ..) => "Others open a link in a browser, or paste it to `cahoots join` or `cahoots view`.",
        (None, Some(_), _) => {
            "Others on this network open a link in a browser, or paste it to `cahoots join`\n\
             (--relay reaches others)."
        }
        (None, None, false) => {
            "Others run `cahoots join` and paste a link, on this network (--relay reaches\n\
             others, --web lets browsers in)."
        }
        (None, None, true) => "Others run `cahoots join` and paste a link, on this machine.",
    }
}

/// Says what a page without TLS means.
fn plain_http(args: &args::Share, paint: Paint) -> String {
    let is_for_view = !args.access.is_empty() && args.access.iter().all(|access| *access == args::LinkAccess::View);
    let harm = if is_for_view { "read along" } else { "read along and type" };
    let warning = paint.yellow("who controls this network can");
    let harm = paint.yellow(&format!("change it, and so {harm}"));
    format!("The page for browsers comes by plain HTTP: {warning}\n{harm}. `cahoots view` has a page of its own.")
}

/// Says what else the links ask for.
fn conditions(args: &args::Share) -> impl Iterator<Item = &'static str> {
    let conditions = &args.conditions;
    let has_passphrase = conditions.passphrase || conditions.passphrase_file.is_some();
    let said = [
        (has_passphrase, "They need the passphrase, too: tell it by another way than the link."),
        (conditions.approve, "You are asked before anybody is let in."),
        (conditions.once, "Each link is for one person, once."),
        (args.may_pass_on, "Their holders may make narrower links of them: `cahoots pass-on`."),
    ];
    said.into_iter().filter(|(is_so, _)| *is_so).map(|(_, said)| said)
}

/// Says in plain words what a link lets its holder do.
fn means(access: Access, paint: Paint) -> String {
    match access {
        Access::View => "Who has the view link can look and chat.".to_owned(),
        Access::Interact => {
            format!("Who has the interact link {} on this machine.", paint.yellow("can run anything as you"))
        }
        Access::Own => {
            format!("Who has the own link {}; give it to nobody else.", paint.yellow("is you in all respects"))
        }
    }
}
