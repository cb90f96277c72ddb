//! Words that must not turn up where they do not belong, and the search for them in every guise.

use std::fmt::Write;

/// Something that only some may ever see, with a name to report it by.
#[derive(Clone, Debug)]
pub(crate) struct Canary {
    pub(crate) name: &'static str,
    guises: Vec<Vec<u8>>,
}

impl Canary {
    /// Takes bytes that are so long that they do not occur by chance: eight at least.
    pub(crate) fn new(name: &'static str, secret: &[u8]) -> Self {
        assert!(secret.len() >= 8, "{name} is too short to be looked for");
        let lower = hex(secret);
        let utf16 = std::str::from_utf8(secret).into_iter().flat_map(str::encode_utf16);
        let utf16: Vec<u8> = utf16.flat_map(u16::to_le_bytes).collect();
        let listed = secret.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        let mut guises = vec![secret.to_vec(), lower.to_uppercase().into_bytes(), lower.into_bytes(), utf16];
        guises.push(secret.iter().rev().copied().collect());
        guises.push(listed.into_bytes());
        // Base64 depends on where the secret begins within three bytes; what does not depend on the neighbours is kept.
        for alphabet in [*b"+/", *b"-_"] {
            guises.extend((0..3).map(|shift| base64_core(secret, shift, alphabet)));
        }
        guises.retain(|guise| guise.len() >= 8);
        Self { name, guises }
    }

    pub(crate) fn text(name: &'static str, secret: &str) -> Self {
        Self::new(name, secret.as_bytes())
    }

    /// Says whether the secret is in `bytes`: as it is, backwards, in hex, as a list, in UTF-16 or in base64.
    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        self.guises.iter().any(|guise| contains(bytes, guise))
    }
}

/// Returns the names of the canaries that are in `bytes`, which are read once for all of them.
pub(crate) fn found(canaries: &[Canary], bytes: &[u8]) -> Vec<&'static str> {
    let place = |start: &[u8]| usize::from(start[0]) << 8 | usize::from(start[1]);
    let mut starts: Vec<Vec<(usize, &[u8])>> = vec![Vec::new(); 1 << 16];
    for (number, canary) in canaries.iter().enumerate() {
        canary.guises.iter().for_each(|guise| starts[place(guise)].push((number, guise)));
    }
    let mut found = std::collections::BTreeSet::new();
    for (at, start) in bytes.windows(2).enumerate() {
        for (number, guise) in &starts[place(start)] {
            if bytes[at..].starts_with(guise) {
                found.insert(*number);
            }
        }
    }
    found.into_iter().map(|number| canaries[number].name).collect()
}

/// Says whether `needle` occurs in `bytes`.
pub(crate) fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return true };
    let starts = bytes.iter().enumerate().filter(|(_, byte)| *byte == first);
    starts.into_iter().any(|(at, _)| bytes[at + 1..].starts_with(rest))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Encodes `secret` as it stands `shift` bytes after the start of a base64 text, without the characters that its
/// neighbours have a part in.
fn base64_core(secret: &[u8], shift: usize, alphabet: [u8; 2]) -> Vec<u8> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let digit = |value: u8| digits.get(usize::from(value)).copied().unwrap_or(alphabet[usize::from(value == 63)]);
    let padded: Vec<u8> = std::iter::repeat_n(0, shift).chain(secret.iter().copied()).collect();
    let whole = padded.len() / 3 * 3;
    let mut text = Vec::new();
    for chunk in padded[..whole].chunks_exact(3) {
        let [a, b, c] = [chunk[0], chunk[1], chunk[2]];
        text.extend([a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63].map(digit));
    }
    text.split_off(match shift {
        0 => 0,
        1 => 2,
        _ => 3,
    })
}

/// A search that misses a guise says that nothing leaks when everything does.
#[test]
fn canaries_are_found_in_every_guise() {
    let secret = "correct horse battery";
    let canary = Canary::text("passphrase", secret);
    let base64 = "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5";
    let shifted = ["eGNvcnJlY3QgaG9yc2UgYmF0dGVyeXg=", "eHhjb3JyZWN0IGhvcnNlIGJhdHRlcnl4"];
    let listed = format!("{:?}", secret.as_bytes());
    let utf16: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hexed = hex(secret.as_bytes());
    for guise in [secret, base64, shifted[0], shifted[1], &listed, &hexed, &hexed.to_uppercase()] {
        assert!(canary.is_in(format!("before {guise} after").as_bytes()), "{guise}");
    }
    assert!(canary.is_in(&utf16));
    assert_eq!(found(&[Canary::text("other", "another phrase"), canary.clone()], &utf16), ["passphrase"]);
    assert!(!canary.is_in(b"incorrect horses are in no battery"));
}
