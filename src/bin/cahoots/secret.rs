//! Secrets that people type or keep in files: links and passphrases. Never arguments, never shown.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use cahoots::Passphrase;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::execute;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use zeroize::Zeroizing;

use crate::text::Failure;

/// More than any link or passphrase has, in bytes; a wrong file is not read to its end.
const SECRET_BYTES_MAX: u64 = 4_096;

/// Reads the first line of a file that says something; `-` is stdin.
pub(crate) fn from_file(file: &Path, what: &str) -> Result<Zeroizing<String>, Failure> {
    if file == Path::new("-") {
        return from_reader(io::stdin().lock(), what);
    }
    let opened =
        std::fs::File::open(file).map_err(|error| Failure::new(format!("cannot read {}: {error}", file.display())))?;
    from_reader(io::BufReader::new(opened), what)
}

/// Reads the first line that is not empty; what follows it stays in stdin.
pub(crate) fn from_reader(reader: impl BufRead, what: &str) -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::new());
    let mut reader = reader.take(SECRET_BYTES_MAX);
    while line.trim().is_empty() {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(Failure::new(format!("there is no {what} to read")));
        }
    }
    Ok(line)
}

/// Tells whether there is somebody who can be asked.
pub(crate) fn can_ask() -> bool {
    io::stderr().is_terminal()
}

/// Asks without showing the answer: terminals keep what they show. `None` if there was none.
pub(crate) fn ask(question: &str) -> io::Result<Option<Zeroizing<String>>> {
    let mut err = io::stderr();
    // Before the question is there to be answered: not the first character may show.
    let hidden = Hidden::start()?;
    write!(err, "{question}: ")?;
    err.flush()?;
    let answer = read_hidden(&mut err);
    drop(hidden);
    eprintln!();
    answer
}

/// Gets the passphrase for a new link: from a file, or asked twice.
pub(crate) fn new_passphrase(asked: bool, file: Option<&Path>) -> Result<Option<Passphrase>, Failure> {
    let words = match (file, asked) {
        (Some(file), _) => from_file(file, "passphrase")?,
        (None, false) => return Ok(None),
        (None, true) if !can_ask() => {
            return Err(Failure::new("there is no terminal to ask for a passphrase").hint("use --passphrase-file"));
        }
        (None, true) => {
            let missing = || Failure::new("no passphrase was given");
            let words = ask("passphrase for the link")?.ok_or_else(missing)?;
            let again = ask("once more")?.ok_or_else(missing)?;
            // As the words count: white space does not.
            if !again.split_whitespace().eq(words.split_whitespace()) {
                return Err(Failure::new("the two passphrases differ").hint("nothing was done, try again"));
            }
            words
        }
    };
    passphrase(&words).map(Some)
}

/// Gets the passphrase of somebody else's link: from a file, or asked once.
pub(crate) fn their_passphrase(file: Option<&Path>) -> Result<Passphrase, Failure> {
    let words = match file {
        Some(file) => from_file(file, "passphrase")?,
        None if can_ask() => ask("passphrase")?.ok_or_else(|| Failure::new("no passphrase was given"))?,
        None => {
            return Err(Failure::new("this link needs a passphrase").hint("--passphrase-file says where to read it"));
        }
    };
    passphrase(&words)
}

fn passphrase(words: &str) -> Result<Passphrase, Failure> {
    Passphrase::new(words.trim()).map_err(Failure::new)
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
fn read_hidden(err: &mut impl Write) -> io::Result<Option<Zeroizing<String>>> {
    let mut answer = Zeroizing::new(String::new());
    loop {
        let before = answer.chars().count();
        match crossterm::event::read()? {
            Event::Paste(text) => answer.extend(text.chars().filter(|c| !c.is_control())),
            Event::Key(key) if key.kind != KeyEventKind::Release => match key.code {
                KeyCode::Enter if !answer.trim().is_empty() => return Ok(Some(answer)),
                KeyCode::Esc => return Ok(None),
                KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(None),
                KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => answer.clear(),
                KeyCode::Backspace => {
                    answer.pop();
                }
                // Enter, pressed while the terminal still turned it into a line end.
                KeyCode::Char('j') if key.modifiers.contains(KeyModifiers::CONTROL) && !answer.trim().is_empty() => {
                    return Ok(Some(answer));
                }
                KeyCode::Char(c) if !key.modifiers.contains(KeyModifiers::CONTROL) => answer.push(c),
                _ => {}
            },
            _ => {}
        }
        let after = answer.chars().count();
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
    fn first_line_that_says_something_is_the_secret() {
        assert_eq!(*from_reader("\n\r\nlink\nrest\n".as_bytes(), "link").unwrap(), "link\n");
        assert!(from_reader("\n\n".as_bytes(), "link").is_err());
    }

    /// `cahoots join < /dev/zero` must fail, not fill the memory.
    #[test]
    fn endless_input_is_cut() {
        let read = from_reader(io::BufReader::new(io::repeat(b'a')), "link").unwrap();
        assert_eq!(read.len() as u64, SECRET_BYTES_MAX);
    }
}
