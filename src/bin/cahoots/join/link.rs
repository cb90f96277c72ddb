//! Where the link comes from: argument, file, environment, stdin, or the person at the terminal.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use cahoots::Link;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::execute;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use crate::args;
use crate::text::{Failure, warn};

/// More than any link has, in bytes; a wrong file is not read to its end.
const LINK_BYTES_MAX: u64 = 4_096;

/// Finds and parses the link.
pub(crate) fn read(args: &args::Join) -> Result<Link, Failure> {
    let text = match (&args.link, &args.file) {
        (Some(dash), _) if dash == "-" => from_reader(io::stdin().lock())?,
        (Some(link), _) => {
            if !args.quiet {
                warn("others on this machine can see a link on the command line; stdin or --file hides it");
            }
            link.clone()
        }
        (None, Some(file)) => from_file(file)?,
        (None, None) => match std::env::var("CAHOOTS_LINK") {
            Ok(link) if !link.trim().is_empty() => link,
            _ if io::stdin().is_terminal() => ask()?,
            _ => from_reader(io::stdin().lock())?,
        },
    };
    Link::parse(text.trim()).map_err(|error| Failure::new(&error).hint(error.hint()))
}

fn from_file(file: &Path) -> Result<String, Failure> {
    let opened =
        std::fs::File::open(file).map_err(|error| Failure::new(format!("cannot read {}: {error}", file.display())))?;
    from_reader(io::BufReader::new(opened))
}

/// Reads the first line that is not empty; what follows it stays in stdin.
fn from_reader(reader: impl BufRead) -> Result<String, Failure> {
    let mut line = String::new();
    let mut reader = reader.take(LINK_BYTES_MAX);
    while line.trim().is_empty() {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(Failure::new("there is no link to read").hint("paste a link from `cahoots share`"));
        }
    }
    Ok(line)
}

/// Asks for the link without showing it: it is a secret, and terminals keep what they show.
fn ask() -> Result<String, Failure> {
    let mut err = io::stderr();
    write!(err, "link: ")?;
    err.flush()?;
    let hidden = Hidden::start()?;
    let answer = read_hidden(&mut err);
    drop(hidden);
    eprintln!();
    answer?.ok_or_else(|| Failure::new("no link was given").hint("paste a link from `cahoots share`"))
}

/// Echo is off while this lives.
struct Hidden;

impl Hidden {
    fn start() -> io::Result<Self> {
        enable_raw_mode()?;
        execute!(io::stderr(), EnableBracketedPaste)?;
        Ok(Self)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = execute!(io::stderr(), DisableBracketedPaste);
        let _ = disable_raw_mode();
    }
}

/// Shows one dot per character, so that a paste is seen to have arrived.
fn read_hidden(err: &mut impl Write) -> io::Result<Option<String>> {
    let mut link = String::new();
    loop {
        let before = link.chars().count();
        match crossterm::event::read()? {
            Event::Paste(text) => link.extend(text.chars().filter(|c| !c.is_control())),
            Event::Key(key) if key.kind != KeyEventKind::Release => match key.code {
                KeyCode::Enter if !link.trim().is_empty() => return Ok(Some(link)),
                KeyCode::Esc => return Ok(None),
                KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(None),
                KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => link.clear(),
                KeyCode::Backspace => {
                    link.pop();
                }
                KeyCode::Char(c) if !key.modifiers.contains(KeyModifiers::CONTROL) => link.push(c),
                _ => {}
            },
            _ => {}
        }
        let after = link.chars().count();
        write!(
            err,
            "{}{}",
            "•".repeat(after.saturating_sub(before)),
            "\x08 \x08".repeat(before.saturating_sub(after))
        )?;
        err.flush()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cahoots share -q > link.txt` and mail programs leave empty lines around it.
    #[test]
    fn first_line_that_says_something_is_the_link() {
        assert_eq!(from_reader("\n\r\nlink\nrest\n".as_bytes()).unwrap(), "link\n");
        assert!(from_reader("\n\n".as_bytes()).is_err());
    }

    /// `cahoots join < /dev/zero` must fail, not fill the memory.
    #[test]
    fn endless_input_is_cut() {
        let read = from_reader(io::BufReader::new(io::repeat(b'a'))).unwrap();
        assert_eq!(read.len() as u64, LINK_BYTES_MAX);
    }
}
