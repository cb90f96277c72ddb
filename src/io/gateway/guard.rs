//! Who may ask: requests by a name that is not ours, or from somebody else's page, get nothing.
//!
//! A page that makes its own name mean our address (DNS rebinding) still sends its own name; a page elsewhere that opens
//! a socket to us sends its own origin.

use super::House;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, HOST, LOCATION, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What a page may do, up to the places that it may talk to: its own scripts and styles, WebAssembly, and a way back to
/// where it came from; xterm.js sets colours by `style` attributes.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; connect-src 'self'";
/// For whom a proxy comes, as nearly all of them say it.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// What else every answer says to the browser.
const HEADERS: [(HeaderName, &str); 4] = [
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What a gateway is called, and whose pages may talk to it.
///
/// Addresses in figures, `localhost` and what ends in `.localhost` need no mention.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Names {
    hosts: Vec<String>,
    origins: Vec<String>,
    api_origins: Vec<String>,
}

impl Names {
    /// Adds a name by which browsers reach the gateway.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        self.hosts.push(host.to_ascii_lowercase());
        self
    }

    /// Lets the pages of another origin, such as `https://view.example`, open sockets here.
    #[must_use]
    pub fn origin(mut self, origin: &str) -> Self {
        self.origins.push(origin.trim_end_matches('/').to_ascii_lowercase());
        self
    }

    /// Lets the pages of another origin ask the HTTP API. Nobody's may unless listed.
    #[must_use]
    pub fn cors_origin(mut self, origin: &str) -> Self {
        self.api_origins.push(origin.trim_end_matches('/').to_ascii_lowercase());
        self
    }

    /// Says whether pages of `origin` may ask the HTTP API.
    pub(super) fn may_ask_api(&self, origin: &str) -> bool {
        self.api_origins.contains(&origin.to_ascii_lowercase())
    }

    /// Says whether a name is the gateway's own and nobody else's, where a request came in at the address `local`.
    pub(super) fn owns(&self, authority: &Authority, local: Option<IpAddr>) -> bool {
        let host = authority.host().trim_matches(['[', ']']).to_ascii_lowercase();
        let is_named = self.hosts.contains(&host) || host == "localhost";
        is_named || host.parse::<IpAddr>().is_ok_and(|ip| Some(ip.to_canonical()) == local)
    }

    pub(super) fn knows(&self, authority: &Authority) -> bool {
        let host = authority.host().trim_matches(['[', ']']).to_ascii_lowercase();
        let is_here = host == "localhost" || host.ends_with(".localhost");
        is_here || host.parse::<IpAddr>().is_ok() || self.hosts.contains(&host)
    }

    /// Says whether a page of `origin` may ask at `authority`.
    pub(super) fn may_ask(&self, origin: &str, authority: &Authority) -> bool {
        self.is_own_page(origin, authority) || self.origins.contains(&origin.to_ascii_lowercase())
    }

    /// Says whether a page of `origin` came from `authority`.
    pub(super) fn is_own_page(&self, origin: &str, authority: &Authority) -> bool {
        let origin = origin.to_ascii_lowercase();
        let own = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        own == Some(authority.as_str().to_ascii_lowercase().as_str())
    }
}

/// Returns by which name and port the gateway was asked.
pub(super) fn authority(headers: &HeaderMap) -> Option<Authority> {
    headers.get(HOST)?.to_str().ok()?.parse().ok()
}

/// Returns for whom a proxy says that it comes: the last of those named. Who comes can have named any before it.
pub(super) fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?.rsplit(',').next()?.trim();
    let with_port = || last.parse::<SocketAddr>().ok().map(|address| address.ip());
    last.trim_matches(['[', ']']).parse().ok().or_else(with_port)
}

/// Says whether a name can be written into an answer as it is: URIs have names with quotes and semicolons.
pub(super) fn is_plain(authority: &Authority) -> bool {
    authority.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

/// Returns what a page that was asked for by `headers` may do.
fn policy(house: &House, headers: &HeaderMap) -> HeaderValue {
    // The page's own port is in there already, under any protocol.
    let elsewhere = house.offer().and_then(|offer| offer.origin(&authority(headers)?));
    let policy = elsewhere.and_then(|origin| HeaderValue::try_from(format!("{POLICY} {origin}")).ok());
    policy.unwrap_or(HeaderValue::from_static(POLICY))
}

/// Turns away who asks by a wrong name or from a wrong page, and adds to every answer what the browser must know.
pub(super) async fn check(State(house): State<Arc<House>>, request: Request, next: Next) -> Response {
    let names = &house.names;
    let headers = request.headers();
    let policy = policy(&house, headers);
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or("null"));
    let mut response = match authority(headers) {
        None => (StatusCode::BAD_REQUEST, "a request must say whom it asks\n").into_response(),
        Some(authority) if !names.knows(&authority) => {
            (StatusCode::MISDIRECTED_REQUEST, house.served_by.unknown_name()).into_response()
        }
        Some(authority) if origin.is_some_and(|origin| !names.may_ask(origin, &authority)) => {
            (StatusCode::FORBIDDEN, "this page may not ask here\n").into_response()
        }
        Some(_) => next.run(request).await,
    };
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Sends a plain request to the same place over TLS. What follows the `#` is not in the request, and stays.
pub(super) async fn redirect(request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    match authority(request.headers()) {
        Some(authority) => {
            (StatusCode::PERMANENT_REDIRECT, [(LOCATION, format!("https://{authority}{path}"))]).into_response()
        }
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}
