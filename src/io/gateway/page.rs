//! The viewer's files, as they were built into the program.
//!
//! `web/dist/page` has each file compressed, as `<name>.br` and `<name>.gz`, or as it is where that saves nothing.
//! Names under `assets/` carry a hash of the content, so that a browser need never ask again.

use super::Visit;
use axum::Router;
use axum::extract::Path;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::read::GzDecoder;
use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::io::Read;

/// The viewer as `web/` built it.
#[derive(RustEmbed)]
#[folder = "web/dist/page"]
struct Files;

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

pub(super) fn routes() -> Router<Visit> {
    let index = get(|headers: HeaderMap| async move { answer("index.html", &headers) });
    let file = get(|Path(path): Path<String>, headers: HeaderMap| async move { answer(&path, &headers) });
    // A link leads to /j; what it holds stays behind the # and never gets here.
    Router::new().route("/", index.clone()).route("/j", index).route("/{*path}", file)
}

fn answer(path: &str, headers: &HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    let Some((encoding, body)) = pick(path, accepted) else { return StatusCode::NOT_FOUND.into_response() };
    let caching = if path.starts_with("assets/") { IMMUTABLE } else { ASK_AGAIN };
    let about = [(CONTENT_TYPE, content_type(path)), (CACHE_CONTROL, caching), (VARY, "accept-encoding")];
    match encoding {
        Some(encoding) => (about, [(CONTENT_ENCODING, encoding)], body).into_response(),
        None => (about, body).into_response(),
    }
}

/// Returns the smallest form of a file that the browser takes, and what was done to it.
fn pick(path: &str, accepted: &str) -> Option<(Option<&'static str>, Cow<'static, [u8]>)> {
    let takes = |encoding| accepted.split(',').any(|one| one.split(';').next().map(str::trim) == Some(encoding));
    let form = |ending| Files::get(&format!("{path}.{ending}")).map(|file| file.data);
    let packed = [("br", "br"), ("gzip", "gz")].into_iter().filter(|(encoding, _)| takes(encoding));
    let packed = packed.filter_map(|(encoding, ending)| Some((Some(encoding), form(ending)?))).next();
    // Scripts of operators may take neither.
    packed.or_else(|| Some((None, Files::get(path).map(|file| file.data).or_else(|| unpack(&form("gz")?))?)))
}

fn unpack(packed: &[u8]) -> Option<Cow<'static, [u8]>> {
    let mut data = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut data).ok()?;
    Some(data.into())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
