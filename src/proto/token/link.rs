//! Links: a token and how to get to the session. PROTOCOL.md 3.

use super::relay::{parse_fingerprint, strip_prefix_ignore_case};
use super::{Relay, RelayError, Token, TokenError};
use crate::proto::hex::Hex;
use zeroize::Zeroizing;

/// Why text is no link; whoever pasted it has to act.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The token is wrong.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The relay is wrong.
    #[error("link names no relay: {0}")]
    Relay(#[from] RelayError),
    /// It is an address of something else.
    #[error("not a cahoots link: {what}")]
    Foreign {
        /// What gives it away.
        what: &'static str,
    },
    /// The part after `#`, which holds the token, is missing.
    #[error("link ends before its token")]
    NoToken,
    /// Something unknown follows the token.
    #[error("link has an unknown parameter `{found}`")]
    Parameter {
        /// Its name, 16 characters at most.
        found: String,
    },
}

impl LinkError {
    /// Returns what to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Token(error) => error.hint(),
            Self::Relay(error) => error.hint(),
            Self::Foreign { .. } => "links begin with cahoots://join# or look like https://relay/j#…",
            Self::NoToken => "some programs cut links at the #: put the link in quotes, or paste the token alone",
            Self::Parameter { .. } => "update cahoots, or ask the host for the token alone",
        }
    }
}

/// A token and the relay to find its session through.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// What lets one in.
    pub token: Token,
    /// Where to ask; without one only the local network is searched.
    pub relay: Option<Relay>,
}

impl Link {
    /// Parses a bare token, `https://<relay>/j#<token>[&fp=<64 hex>]`, `cahoots://join#<token>` or the address of a page
    /// that a host serves to its network, `http://<host>/j#<token>`.
    ///
    /// White space, quotes and angle brackets around it do no harm: people copy from mails and chats.
    ///
    /// # Errors
    ///
    /// [`LinkError`] names the mistake for the person who made it.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || "\"'`<>“”‘’„«»".contains(c));
        if let Some(rest) = strip_prefix_ignore_case(text, "https://") {
            return Self::parse_https(rest);
        }
        if let Some(rest) = strip_prefix_ignore_case(text, "cahoots://") {
            return Self::parse_local(rest);
        }
        if let Some(rest) = strip_prefix_ignore_case(text, "http://") {
            return Self::parse_page(rest);
        }
        if text.contains("://") {
            return Err(LinkError::Foreign { what: "it begins with another scheme" });
        }
        Ok(Self { token: Token::parse(text)?, relay: None })
    }

    fn parse_https(rest: &str) -> Result<Self, LinkError> {
        let (place, fragment) = rest.split_once('#').ok_or(LinkError::NoToken)?;
        let (address, path) = place.split_once('/').unwrap_or((place, ""));
        if path != "j" && path != "j/" {
            return Err(LinkError::Foreign { what: "its path is not /j" });
        }
        let (token, parameter) = split_parameter(fragment);
        let fingerprint = match parameter.map(|text| (text, text.strip_prefix("fp="))) {
            None => None,
            Some((_, Some(hex))) => Some(parse_fingerprint(hex)?),
            Some((text, None)) => return Err(unknown(text)),
        };
        Ok(Self { token: parse_token(token)?, relay: Some(Relay::parse_address(address, fingerprint)?) })
    }

    /// What serves a page without TLS is the host itself, which is looked for nearby like any other: nothing in such an
    /// address is worth a dial.
    fn parse_page(rest: &str) -> Result<Self, LinkError> {
        let (place, fragment) = rest.split_once('#').ok_or(LinkError::NoToken)?;
        let (address, path) = place.split_once('/').unwrap_or((place, ""));
        // A viewer of one's own has its page in a folder that nobody guesses.
        if path.strip_suffix('/').unwrap_or(path).rsplit('/').next() != Some("j") {
            return Err(LinkError::Foreign { what: "its path is not /j" });
        }
        Relay::parse_address(address, None)?;
        // A page that is served by neither relay nor host has the whole link behind its own address.
        if let Some(rest) = strip_prefix_ignore_case(fragment, "https://") {
            return Self::parse_https(rest);
        }
        if let Some(rest) = strip_prefix_ignore_case(fragment, "cahoots://") {
            return Self::parse_local(rest);
        }
        match split_parameter(fragment) {
            (token, None) => Ok(Self { token: parse_token(token)?, relay: None }),
            (_, Some(text)) => Err(unknown(text)),
        }
    }

    fn parse_local(rest: &str) -> Result<Self, LinkError> {
        let (place, fragment) = rest.split_once('#').ok_or(LinkError::NoToken)?;
        if !place.strip_suffix('/').unwrap_or(place).eq_ignore_ascii_case("join") {
            return Err(LinkError::Foreign { what: "it does not say join" });
        }
        match split_parameter(fragment) {
            (token, None) => Ok(Self { token: parse_token(token)?, relay: None }),
            (_, Some(text)) => Err(unknown(text)),
        }
    }

    /// Returns the full text. Whoever sees it can join: show it on purpose, never log it.
    #[must_use]
    pub fn reveal(&self) -> String {
        let token = Zeroizing::new(self.token.reveal());
        match &self.relay {
            None => format!("cahoots://join#{}", *token),
            Some(relay) => match &relay.fingerprint {
                None => format!("https://{}/j#{}", relay.authority(), *token),
                Some(hash) => format!("https://{}/j#{}&fp={}", relay.authority(), *token, Hex(hash)),
            },
        }
    }

    /// Returns the address to open in a browser that gets the viewer from the session's host at `page`, such as
    /// `http://192.0.2.7:8080`. It is as secret as the link.
    #[must_use]
    pub fn reveal_at_host(&self, page: &str) -> String {
        format!("{page}/j#{}", *Zeroizing::new(self.token.reveal()))
    }

    /// Returns the address to open in a browser that gets the viewer at `page` from somebody else than host or relay.
    #[must_use]
    pub fn reveal_at(&self, page: &str) -> String {
        format!("{page}/j#{}", *Zeroizing::new(self.reveal()))
    }
}

fn split_parameter(fragment: &str) -> (&str, Option<&str>) {
    fragment.split_once('&').map_or((fragment, None), |(token, parameter)| (token, Some(parameter)))
}

fn parse_token(text: &str) -> Result<Token, LinkError> {
    if text.is_empty() { Err(LinkError::NoToken) } else { Ok(Token::parse(text)?) }
}

fn unknown(parameter: &str) -> LinkError {
    LinkError::Parameter { found: parameter.split('=').next().unwrap_or_default().chars().take(16).collect() }
}
