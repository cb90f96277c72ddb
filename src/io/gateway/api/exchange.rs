//! One request and its answer by HTTP/1.1, as the asking side: for a relay's API no more is needed.
//!
//! Always: what is read is bounded; the connection is closed behind the answer.

use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER};
use axum::http::{HeaderValue, Request};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::io;
use std::pin::pin;
use tokio::io::{AsyncRead, AsyncWrite};

/// Bytes of an answer's body: a page of a thousand sessions has half a megabyte.
const BODY_BYTES_MAX: usize = 8 * 1_048_576;
/// Bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 65_536;
/// Fields of an answer's head.
const FIELDS_MAX: usize = 64;

/// What to ask.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub method: &'static str,
    pub path: &'a str,
    pub host: &'a str,
    /// The operator's token.
    pub bearer: Option<&'a str>,
    /// JSON.
    pub body: &'a str,
}

/// What came back.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Answer {
    pub status: u16,
    /// How long the other side wants us to wait, in seconds.
    pub retry_after_s: Option<u64>,
    pub body: Vec<u8>,
}

/// Asks, and reads the whole answer.
///
/// # Errors
///
/// What the system says; `InvalidData` for an answer that is none, too large, or not whole.
pub(super) async fn ask(stream: impl AsyncRead + AsyncWrite + Unpin, question: &Question<'_>) -> io::Result<Answer> {
    let mut builder = http1::Builder::new();
    builder.max_headers(FIELDS_MAX).max_buf_size(HEAD_BYTES_MAX);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|error| blame(&error))?;
    let request = question.request()?;
    let mut answer = pin!(async move {
        let response = sender.send_request(request).await.map_err(|error| blame(&error))?;
        let (head, body) = response.into_parts();
        let wait = head.headers.get(RETRY_AFTER).and_then(|wait| wait.to_str().ok());
        let retry_after_s = wait.and_then(|wait| wait.trim().parse().ok());
        let body = to_bytes(Body::new(body), BODY_BYTES_MAX).await.map_err(|error| blame(&error))?;
        Ok(Answer { status: head.status.as_u16(), retry_after_s, body: body.into() })
    });
    tokio::select! {
        answer = &mut answer => answer,
        // What it has read by then is there to be taken, and so is what went wrong.
        _ = connection => answer.await,
    }
}

impl Question<'_> {
    fn request(&self) -> io::Result<Request<Body>> {
        let json = HeaderValue::from_static("application/json");
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path)
            .header(HOST, self.host)
            .header(CONNECTION, "close")
            .header(ACCEPT, &json)
            .header(CONTENT_TYPE, json);
        if let Some(token) = self.bearer {
            let mut proof = HeaderValue::try_from(format!("Bearer {token}")).map_err(io::Error::other)?;
            proof.set_sensitive(true);
            request = request.header(AUTHORIZATION, proof);
        }
        request.body(Body::from(self.body.to_owned())).map_err(io::Error::other)
    }
}

/// Tells the network's fault from that of whoever answers.
fn blame(error: &(dyn Error + 'static)) -> io::Error {
    let chain: Vec<_> = std::iter::successors(Some(error), |error| (*error).source()).collect();
    let system = chain.iter().find_map(|error| error.downcast_ref::<io::Error>());
    match (system, chain.last()) {
        // Some close without the goodbye of TLS: then the answer is not whole.
        (Some(system), _) if system.kind() != io::ErrorKind::UnexpectedEof => {
            io::Error::new(system.kind(), system.to_string())
        }
        (_, Some(root)) => io::Error::new(io::ErrorKind::InvalidData, format!("no whole answer by HTTP: {root}")),
        (_, None) => io::ErrorKind::InvalidData.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const QUESTION: Question<'_> =
        Question { method: "POST", path: "/x", host: "relay.example", bearer: Some("secret"), body: "{}" };

    /// Asks somebody who answers with these bytes, and closes.
    async fn ask_whom_says(answer: &[u8]) -> (String, io::Result<Answer>) {
        let (ours, mut theirs) = duplex(1_024);
        let says = async move {
            let (mut heard, mut buffer) = (String::new(), [0; 1_024]);
            while !heard.ends_with("{}") {
                let count = theirs.read(&mut buffer).await.unwrap();
                heard.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            }
            // Whoever has heard enough hangs up.
            let _ = theirs.write_all(answer).await;
            heard
        };
        tokio::join!(says, ask(ours, &QUESTION))
    }

    async fn body(answer: &str) -> Option<String> {
        let (_, answer) = ask_whom_says(answer.as_bytes()).await;
        if let Err(error) = &answer {
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        }
        answer.ok().map(|answer| String::from_utf8(answer.body).unwrap())
    }

    /// A proxy in front cuts answers as it likes; a cut one must not pass for a short list of sessions.
    #[tokio::test]
    async fn answers_are_read_whole_or_not_at_all() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(body(whole).await.as_deref(), Some("hello"));
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n";
        assert_eq!(body(chunked).await.as_deref(), Some("hello"));
        assert_eq!(body("HTTP/1.0 200\r\n\r\nhello").await.as_deref(), Some("hello"));
        for text in [whole, chunked] {
            for end in 0..text.len() {
                assert_eq!(body(&text[..end]).await, None, "{:?}", &text[..end]);
            }
        }
        for wrong in ["SSH-2.0-x\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200\r\ncontent-length: -1\r\n\r\n"] {
            assert_eq!(body(wrong).await, None, "{wrong:?}");
        }
        let huge = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nx";
        assert_eq!(body(huge).await, None);
    }

    /// Whoever answers in the relay's place must not fill the memory of who asks.
    #[tokio::test]
    async fn answer_has_bounds() {
        let start = "HTTP/1.1 200 OK\r\nconnection: close\r\n";
        let many = format!("{start}{}\r\nhello", "a: b\r\n".repeat(FIELDS_MAX));
        assert_eq!(body(&many).await, None);
        let long = format!("{start}a: {}\r\n\r\nhello", "b".repeat(HEAD_BYTES_MAX));
        assert_eq!(body(&long).await, None);
        let most = format!("{start}\r\n{}", "a".repeat(BODY_BYTES_MAX));
        assert_eq!(body(&most).await.map(|body| body.len()), Some(BODY_BYTES_MAX));
        assert_eq!(body(&(most + "a")).await, None);
    }

    /// What a relay and a proxy before it have to find: whom it is for, who asks, and that this is all.
    #[tokio::test]
    async fn request_says_who_asks_for_what() {
        let (heard, _) = ask_whom_says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let heard = heard.to_ascii_lowercase();
        let (head, body) = heard.split_once("\r\n\r\n").unwrap();
        let (start, fields) = head.split_once("\r\n").unwrap();
        assert_eq!((start, body), ("post /x http/1.1", "{}"));
        let mut fields: Vec<_> = fields.split("\r\n").collect();
        fields.sort_unstable();
        let expected = [
            "accept: application/json",
            "authorization: bearer secret",
            "connection: close",
            "content-length: 2",
            "content-type: application/json",
            "host: relay.example",
        ];
        assert_eq!(fields, expected);
        assert!(!format!("{:?}", QUESTION.request().unwrap()).contains("secret"), "logs are no place for it");
    }

    /// Whoever is told to wait has to be able to.
    #[tokio::test]
    async fn wait_is_understood() {
        let told = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
        let (_, answer) = ask_whom_says(told).await;
        assert_eq!(answer.unwrap(), Answer { status: 429, retry_after_s: Some(7), body: Vec::new() });
    }
}
