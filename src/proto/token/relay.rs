//! Where a relay is and how to know it. PROTOCOL.md 3.

use crate::proto::hex::{self, Hex};
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// Port of a relay that names none, over UDP.
pub const PORT_DEFAULT: u16 = 4433;
/// Longest host name of the DNS, in bytes. RFC 1035, 2.3.4.
const HOST_BYTES_MAX: usize = 253;
const FINGERPRINT_DIGITS: usize = 64;

/// Why text names no relay; whoever typed it has to act.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// No host name or address.
    #[error("relay has no host name")]
    Empty,
    /// The host name is none.
    #[error("`{found}` is not a host name or address")]
    Host {
        /// What stands there, 64 characters at most.
        found: String,
    },
    /// The port is none.
    #[error("`{found}` is not a port, expected 1 to 65535")]
    Port {
        /// What stands there, 64 characters at most.
        found: String,
    },
    /// The fingerprint is none.
    #[error("fingerprint of {chars} characters, expected {FINGERPRINT_DIGITS} hexadecimal digits")]
    Fingerprint {
        /// How many characters it has.
        chars: usize,
    },
}

impl RelayError {
    /// Returns what to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Empty | Self::Host { .. } => "write a relay as host, host:port or [IPv6]:port",
            Self::Port { .. } => "leave the port away for the usual one, 4433",
            Self::Fingerprint { .. } => {
                "copy the link or address again, whole: what follows fp= is what the relay prints when it starts"
            }
        }
    }
}

/// A relay's address, and its certificate's hash if it is pinned.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Relay {
    /// Name or address; IPv6 without brackets; lower case.
    pub host: String,
    /// UDP port.
    pub port: u16,
    /// SHA-256 of its end-entity certificate; without it the system's roots decide.
    pub fingerprint: Option<[u8; 32]>,
}

impl Relay {
    /// Parses `host[:port][#fp=<64 hex>]`, with or without `https://` before it.
    ///
    /// # Errors
    ///
    /// [`RelayError`] names the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, RelayError> {
        let text = text.trim();
        let (address, fingerprint) = match text.split_once('#') {
            Some((address, fragment)) => {
                let wrong = || RelayError::Fingerprint { chars: fragment.chars().count() };
                (address, Some(parse_fingerprint(fragment.strip_prefix("fp=").ok_or_else(wrong)?)?))
            }
            None => (text, None),
        };
        let address = strip_prefix_ignore_case(address, "https://").unwrap_or(address);
        Self::parse_address(address.strip_suffix('/').unwrap_or(address), fingerprint)
    }

    /// Parses `host[:port]`.
    pub(super) fn parse_address(address: &str, fingerprint: Option<[u8; 32]>) -> Result<Self, RelayError> {
        let (host, port) = split_port(address).ok_or_else(|| RelayError::Host { found: shorten(address) })?;
        if host.is_empty() {
            return Err(RelayError::Empty);
        }
        if !is_host(host) {
            return Err(RelayError::Host { found: shorten(host) });
        }
        Ok(Self { host: host.to_ascii_lowercase(), port: parse_port(port)?, fingerprint })
    }
}

/// Splits into host without brackets, and nothing or `:port`; `None` for brackets around no IPv6 address.
fn split_port(address: &str) -> Option<(&str, &str)> {
    if let Some(rest) = address.strip_prefix('[') {
        return rest.split_once(']').filter(|(host, _)| host.contains(':'));
    }
    // `::1` alone is an address too, but `::1:443` would be ambiguous: only brackets take a port.
    let colon = if address.parse::<Ipv6Addr>().is_ok() { None } else { address.find(':') };
    Some(address.split_at(colon.unwrap_or(address.len())))
}

fn is_host(host: &str) -> bool {
    if host.contains(':') {
        return host.parse::<Ipv6Addr>().is_ok();
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    host.len() <= HOST_BYTES_MAX && host.strip_suffix('.').unwrap_or(host).split('.').all(is_label)
}

/// Parses nothing or `:port`.
fn parse_port(text: &str) -> Result<u16, RelayError> {
    if text.is_empty() {
        return Ok(PORT_DEFAULT);
    }
    let digits = text.strip_prefix(':').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let port = digits.and_then(|digits| digits.parse().ok()).filter(|port| *port != 0);
    port.ok_or_else(|| RelayError::Port { found: shorten(text.strip_prefix(':').unwrap_or(text)) })
}

pub(super) fn parse_fingerprint(text: &str) -> Result<[u8; 32], RelayError> {
    // People retype it from a certificate's dump, where it often stands in capitals.
    hex::parse(&text.to_ascii_lowercase()).ok_or_else(|| RelayError::Fingerprint { chars: text.chars().count() })
}

pub(super) fn strip_prefix_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

impl Relay {
    /// Writes `host:port`, as in a link: a browser that is given no port takes another one.
    pub(super) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// Writes `host[:port]`, without a fingerprint.
struct Address<'a>(&'a Relay);

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Relay { host, port, .. } = self.0;
        if host.contains(':') { write!(f, "[{host}]") } else { f.write_str(host) }?;
        if *port == PORT_DEFAULT { Ok(()) } else { write!(f, ":{port}") }
    }
}

impl fmt::Display for Relay {
    /// Writes what [`Relay::parse`] reads; the usual port is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Address(self).fmt(f)?;
        self.fingerprint.as_ref().map_or(Ok(()), |hash| write!(f, "#fp={}", Hex(hash)))
    }
}

impl FromStr for Relay {
    type Err = RelayError;

    fn from_str(text: &str) -> Result<Self, RelayError> {
        Self::parse(text)
    }
}
