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
use bytes::Bytes;
use flate2::read::GzDecoder;
use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;
use std::sync::LazyLock;

/// The viewer as `web/` built it.
#[derive(RustEmbed)]
#[folder = "web/dist/page"]
struct Files;

/// What is kept compressed alone, as it was before. Unpacked once: whoever asks for it pays nothing for that.
static UNPACKED: LazyLock<HashMap<String, Bytes>> = LazyLock::new(unpack_all);

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
fn pick(path: &str, accepted: &str) -> Option<(Option<&'static str>, Bytes)> {
    let takes = |encoding| accepted.split(',').any(|one| one.split(';').next().map(str::trim) == Some(encoding));
    let packed = [("br", "br"), ("gzip", "gz")].into_iter().filter(|(encoding, _)| takes(encoding));
    let mut packed = packed.filter_map(|(encoding, ending)| Some((Some(encoding), file(&format!("{path}.{ending}"))?)));
    // Scripts of operators may take neither.
    let plain = || Some((None, file(path).or_else(|| UNPACKED.get(path).cloned())?));
    packed.next().or_else(plain)
}

fn file(path: &str) -> Option<Bytes> {
    Some(match Files::get(path)?.data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => data.into(),
    })
}

fn unpack_all() -> HashMap<String, Bytes> {
    let unpacked = Files::iter().filter_map(|name| {
        let mut data = Vec::new();
        let path = name.strip_suffix(".gz")?;
        GzDecoder::new(&*file(&name)?).read_to_end(&mut data).ok()?;
        Some((path.to_owned(), data.into()))
    });
    unpacked.collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Anybody may ask without saying what they take, as often as they like: the relay must not work for each, nor keep
    /// a copy for each who does not read.
    #[test]
    fn unpacked_file_is_one_for_all() {
        let packed = Files::iter().find(|name| name.ends_with(".wasm.gz")).unwrap();
        let path = packed.strip_suffix(".gz").unwrap();
        let ((encoding, one), (_, other)) = (pick(path, "").unwrap(), pick(path, "identity").unwrap());
        assert!(encoding.is_none() && one.starts_with(b"\0asm"));
        assert_eq!((one.as_ptr(), one.len()), (other.as_ptr(), other.len()));
        assert!(one.len() > pick(path, "gzip").unwrap().1.len());
    }
}
