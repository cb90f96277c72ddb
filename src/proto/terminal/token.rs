//! Cuts what a program wrote into text, controls and escape sequences.
//!
//! Sits in front of the emulator, which therefore never sees half a character or half a sequence.
//! Always: any cut of the bytes gives the same tokens; what waits for its end is at most [`STRING_BYTES_MAX`] bytes;
//! invalid UTF-8 becomes U+FFFD; 8-bit C1 controls do not exist. States: Paul Williams' parser for DEC terminals.

use super::csi::Csi;

/// Longest body of a control string (OSC, DCS, APC, PM, SOS), in bytes. SECURITY: terminal escapes.
///
/// Beyond it nothing more is kept, and any control character, a line feed say, leads back to text: one stray
/// introducer in a binary file must not swallow the rest of the session.
pub(super) const STRING_BYTES_MAX: usize = 4_096;
/// Longest control sequence (CSI), in bytes; a longer one is dropped whole. Vim's longest are below 60.
const CSI_BYTES_MAX: usize = 256;

const ESC: u8 = 0x1b;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const BEL: u8 = 0x07;
const DEL: u8 = 0x7f;

/// One unit of a program's output.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Token<'a> {
    /// Characters to print; no C0 controls and no DEL among them.
    Text(&'a str),
    /// A C0 control.
    Control(u8),
    /// `ESC`, at most one intermediate byte, a final byte.
    Escape { intermediate: Option<u8>, last: u8 },
    /// A control sequence.
    Csi(Csi<'a>),
    /// The body of an operating system command.
    Osc(&'a [u8]),
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    Ground,
    Character,
    Escape,
    Csi,
    Osc,
    /// DCS, APC, PM or SOS: no viewer of ours may act on any of them.
    Ignored,
}

/// The cutter and what it holds of an unfinished token.
#[derive(Debug, Default)]
pub(super) struct Tokeniser {
    state: State,
    /// The unfinished token from its first byte on: feeding these to a new tokeniser gives this state again.
    pending: Vec<u8>,
}

impl Tokeniser {
    /// Returns the bytes of the unfinished token.
    pub(super) fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// Cuts `bytes`, the continuation of all before, and hands each whole token to `take`.
    pub(super) fn write(&mut self, mut bytes: &[u8], take: &mut impl FnMut(Token<'_>)) {
        while !bytes.is_empty() {
            let used = match self.state {
                State::Ground => self.ground(bytes, take),
                State::Character => self.character(bytes, take),
                State::Escape | State::Csi | State::Osc | State::Ignored => self.sequence(bytes, take),
            };
            bytes = bytes.get(used..).unwrap_or_default();
        }
    }

    fn ground(&mut self, bytes: &[u8], take: &mut impl FnMut(Token<'_>)) -> usize {
        match bytes.iter().position(|byte| is_control(*byte)) {
            Some(0) => self.control(bytes, take),
            Some(text_bytes) => {
                text(bytes.get(..text_bytes).unwrap_or_default(), take);
                text_bytes
            }
            None => {
                let whole = bytes.len() - partial_bytes(bytes);
                let (whole, partial) = bytes.split_at(whole);
                text(whole, take);
                if !partial.is_empty() {
                    self.begin(State::Character, partial);
                }
                bytes.len()
            }
        }
    }

    fn control(&mut self, bytes: &[u8], take: &mut impl FnMut(Token<'_>)) -> usize {
        match bytes.first() {
            Some(&ESC) => self.begin(State::Escape, &[ESC]),
            Some(&byte) if byte != DEL => take(Token::Control(byte)),
            _ => {}
        }
        1
    }

    /// Adds a byte to a character whose first bytes came with an earlier write.
    fn character(&mut self, bytes: &[u8], take: &mut impl FnMut(Token<'_>)) -> usize {
        self.pending.extend(bytes.first());
        match std::str::from_utf8(&self.pending) {
            Ok(character) => take(Token::Text(character)),
            Err(error) if error.error_len().is_none() => return 1,
            Err(_) => {
                // The held bytes were a valid beginning, so the new byte is the wrong one and starts over.
                take(Token::Text("\u{fffd}"));
                self.end();
                return 0;
            }
        }
        self.end();
        1
    }

    fn sequence(&mut self, bytes: &[u8], take: &mut impl FnMut(Token<'_>)) -> usize {
        let Some(&byte) = bytes.first() else { return 0 };
        match byte {
            CAN | SUB => self.end(),
            ESC => {
                self.finish_osc(take);
                self.begin(State::Escape, &[ESC]);
            }
            _ => {
                return match self.state {
                    State::Escape => self.escape(byte, take),
                    State::Csi => self.csi(byte, take),
                    _ => self.string(byte, take),
                };
            }
        }
        1
    }

    fn escape(&mut self, byte: u8, take: &mut impl FnMut(Token<'_>)) -> usize {
        match (byte, self.pending.as_slice()) {
            (0..0x20, _) => take(Token::Control(byte)),
            (0x20..0x30, _) => self.hold(byte, 2),
            (b'[', [_]) => self.enter(State::Csi, byte),
            (b']', [_]) => self.enter(State::Osc, byte),
            (b'P' | b'X' | b'^' | b'_', [_]) => self.enter(State::Ignored, byte),
            (0x30..DEL, held) => {
                match *held {
                    [_] => take(Token::Escape { intermediate: None, last: byte }),
                    [_, intermediate] => take(Token::Escape { intermediate: Some(intermediate), last: byte }),
                    _ => {}
                }
                self.end();
            }
            (DEL, _) => {}
            (0x80.., _) => return self.abandon(),
        }
        1
    }

    fn csi(&mut self, byte: u8, take: &mut impl FnMut(Token<'_>)) -> usize {
        match byte {
            0..0x20 => take(Token::Control(byte)),
            0x20..0x40 => self.hold(byte, CSI_BYTES_MAX),
            0x40..DEL => {
                let body = self.pending.get(2..).filter(|_| self.pending.len() <= CSI_BYTES_MAX);
                if let Some(csi) = body.and_then(|body| Csi::parse(body, byte)) {
                    take(Token::Csi(csi));
                }
                self.end();
            }
            DEL => {}
            0x80.. => return self.abandon(),
        }
        1
    }

    fn string(&mut self, byte: u8, take: &mut impl FnMut(Token<'_>)) -> usize {
        match byte {
            BEL if self.state == State::Osc => {
                self.finish_osc(take);
                self.end();
            }
            0..0x20 if self.pending.len() > STRING_BYTES_MAX => return self.abandon(),
            0..0x20 | DEL => {}
            _ => self.hold(byte, STRING_BYTES_MAX),
        }
        1
    }

    fn finish_osc(&self, take: &mut impl FnMut(Token<'_>)) {
        if self.state == State::Osc
            && self.pending.len() <= STRING_BYTES_MAX
            && let Some(body) = self.pending.get(2..)
        {
            take(Token::Osc(body));
        }
    }

    /// Keeps a byte, and one more than `bytes_max` in all: the length alone then tells that it was too long.
    fn hold(&mut self, byte: u8, bytes_max: usize) {
        if self.pending.len() <= bytes_max {
            self.pending.push(byte);
        }
    }

    fn enter(&mut self, state: State, byte: u8) {
        self.state = state;
        self.pending.push(byte);
    }

    fn begin(&mut self, state: State, first: &[u8]) {
        self.state = state;
        self.pending.clear();
        self.pending.extend_from_slice(first);
    }

    fn end(&mut self) {
        self.state = State::Ground;
        self.pending.clear();
    }

    /// Drops the token; the byte at hand is looked at again as the first of the next one.
    fn abandon(&mut self) -> usize {
        self.end();
        0
    }
}

const fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == DEL
}

fn text(bytes: &[u8], take: &mut impl FnMut(Token<'_>)) {
    for chunk in bytes.utf8_chunks() {
        if !chunk.valid().is_empty() {
            take(Token::Text(chunk.valid()));
        }
        if !chunk.invalid().is_empty() {
            take(Token::Text("\u{fffd}"));
        }
    }
}

/// Returns how many bytes at the end are the beginning of a character that may still come: 0 to 3.
fn partial_bytes(bytes: &[u8]) -> usize {
    let start = bytes.iter().rposition(|byte| !matches!(byte, 0x80..=0xbf)).unwrap_or(bytes.len());
    let tail = bytes.get(start..).unwrap_or_default();
    match std::str::from_utf8(tail) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() == 0 => tail.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn tokens(pieces: &[&[u8]]) -> Vec<String> {
        let mut tokeniser = Tokeniser::default();
        let mut seen: Vec<String> = Vec::new();
        let mut text = String::new();
        for piece in pieces {
            tokeniser.write(piece, &mut |token| match token {
                Token::Text(part) => text.push_str(part),
                other => {
                    if !text.is_empty() {
                        seen.push(std::mem::take(&mut text));
                    }
                    seen.push(format!("{other:?}"));
                }
            });
        }
        if !text.is_empty() {
            seen.push(text);
        }
        seen
    }

    /// An unterminated string in a binary file must not blind the viewer for the rest of the session.
    #[test]
    fn unterminated_string_ends_at_the_first_line_feed_beyond_its_cap() {
        for introducer in [b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX"] {
            let junk = vec![b'x'; STRING_BYTES_MAX];
            assert_eq!(tokens(&[introducer, &junk, b"y\nback"]), ["Control(10)", "back"]);
            assert_eq!(tokens(&[introducer, b"short\nstill inside"]), Vec::<String>::new());
        }
    }

    /// What waits for its end is memory that a program chooses: it stays small whatever comes.
    #[test]
    fn unfinished_token_is_held_within_its_bound() {
        let mut tokeniser = Tokeniser::default();
        for introducer in [&b"\x1b]2;"[..], b"\x1b[", b"\x1bP", b"\x1b ", b"\xf0\x9f"] {
            tokeniser.write(introducer, &mut |_| {});
            tokeniser.write(&vec![b'!'; 100_000], &mut |_| {});
            assert!(tokeniser.pending().len() <= STRING_BYTES_MAX + 1);
        }
    }

    /// A C1 control as one byte is invalid UTF-8 and nothing more; inside a title it is part of a character.
    #[test]
    fn eight_bit_controls_are_not_honoured() {
        assert_eq!(tokens(&[b"a\x9b31mb"]), ["a\u{fffd}31mb"]);
        assert_eq!(tokens(&["\x1b]2;\u{2714} ok\x07".as_bytes()]).len(), 1);
    }

    /// Controls inside a sequence act at once, as on a real terminal; CAN and a byte of text cut it short.
    #[test]
    fn sequences_end_as_on_a_real_terminal() {
        assert_eq!(tokens(&[b"\x1b[3\n1m"])[0], "Control(10)");
        assert_eq!(tokens(&[b"\x1b[3\x18x"]), ["x"]);
        assert_eq!(tokens(&["\x1b[3é".as_bytes()]), ["é"]);
        assert_eq!(tokens(&[b"\x1b]2;title\x1b\\x"]).last().map(String::as_str), Some("x"));
        let long = [b"\x1b[".to_vec(), vec![b'1'; CSI_BYTES_MAX], b"mx".to_vec()].concat();
        assert_eq!(tokens(&[&long]), ["x"]);
    }

    proptest! {
        /// The network and the PTY cut anywhere, also inside a character or a sequence.
        #[test]
        fn any_cut_gives_the_same_tokens(
            bytes in vec(prop_oneof![
                3 => any::<u8>(),
                2 => proptest::sample::select(&b"\x1b[]P?;:0123456789mhlJ\x07\\\n\x18"[..]),
                2 => proptest::sample::select(&b"\xe2\x82\xac\xf0\x9f\x98\x80\xc3"[..]),
            ], 0..200),
            size in 1usize..9,
        ) {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            prop_assert_eq!(tokens(&[&bytes]), tokens(&pieces));
        }

        /// A keyframe carries the unfinished token: feeding it must lead to the same state.
        #[test]
        fn pending_bytes_rebuild_the_state(bytes in vec(any::<u8>(), 0..60), tail in vec(any::<u8>(), 0..60)) {
            let mut first = Tokeniser::default();
            first.write(&bytes, &mut |_| {});
            let mut second = Tokeniser::default();
            second.write(first.pending(), &mut |_| {});
            prop_assert_eq!((first.state, first.pending()), (second.state, second.pending()));
            let (mut left, mut right) = (Vec::new(), Vec::new());
            first.write(&tail, &mut |token| left.push(format!("{token:?}")));
            second.write(&tail, &mut |token| right.push(format!("{token:?}")));
            prop_assert_eq!(left, right);
        }
    }
}
