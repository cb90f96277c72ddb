//! Where the link comes from: argument, file, environment, stdin, or the person at the terminal.

use std::io::{self, IsTerminal};
use std::path::Path;

use cahoots::Link;
use zeroize::Zeroizing;

use crate::secret;
use crate::text::{Failure, warn};

/// What to do where there is no link.
const HINT: &str = "paste a link from `cahoots share`";

/// Where the command line says the link is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) argument: Option<&'a str>,
    pub(crate) file: Option<&'a Path>,
    /// Whether to keep quiet about a link that others can see.
    pub(crate) quiet: bool,
}

/// Finds and parses the link.
pub(crate) fn read(place: Place<'_>) -> Result<Link, Failure> {
    let text = match (place.argument, place.file) {
        (Some("-"), _) => from_stdin()?,
        (Some(link), _) => {
            if !place.quiet {
                warn("others on this machine can see a link on the command line; stdin or --file hides it");
            }
            Zeroizing::new(link.to_owned())
        }
        (None, Some(file)) => secret::from_file(file, "link").map_err(|failure| failure.hint(HINT))?,
        (None, None) => match std::env::var("CAHOOTS_LINK").map(Zeroizing::new) {
            Ok(link) if !link.trim().is_empty() => link,
            _ if io::stdin().is_terminal() => {
                secret::ask("link")?.ok_or_else(|| Failure::new("no link was given").hint(HINT))?
            }
            _ => from_stdin()?,
        },
    };
    Link::parse(text.trim()).map_err(|error| Failure::new(&error).hint(error.hint()))
}

fn from_stdin() -> Result<Zeroizing<String>, Failure> {
    secret::from_reader(io::stdin().lock(), "link").map_err(|failure| failure.hint(HINT))
}
