//! One request and its answer by HTTP/1.1, as the asking side: for a relay's API no more is needed.
//!
//! Always: what is read is bounded; the connection is closed behind the answer.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

/// Bytes of an answer: a page of a thousand sessions has half a megabyte.
const ANSWER_BYTES_MAX: u64 = 8 * 1_048_576;
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
pub(super) async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    question: &Question<'_>,
) -> io::Result<Answer> {
    let Question { method, path, host, bearer, body } = question;
    let proof = Zeroizing::new(bearer.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default());
    let length = body.len();
    let request = Zeroizing::new(format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\naccept: application/json\r\nconnection: close\r\n{}\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}",
        *proof
    ));
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut raw = Vec::new();
    match stream.take(ANSWER_BYTES_MAX).read_to_end(&mut raw).await {
        // Some close without the goodbye of TLS: whether all has come says the answer itself.
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
        _ => parse(&raw).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no whole answer by HTTP")),
    }
}

/// Takes an answer apart; `None` for one that is none, or not whole.
fn parse(raw: &[u8]) -> Option<Answer> {
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (head, rest) = raw.split_at(end + 4);
    let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let (version, status) = lines.next()?.split_once(' ')?;
    let status = status.get(..3).filter(|_| version.starts_with("HTTP/1."))?.parse().ok()?;
    let fields: Vec<_> = lines.take(FIELDS_MAX).filter_map(|line| line.split_once(':')).collect();
    let field = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.trim())
    };
    let is_chunked = field("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    let body = match field("content-length") {
        _ if is_chunked => unchunk(rest)?,
        Some(length) => rest.get(..length.parse().ok()?)?.to_vec(),
        None => rest.to_vec(),
    };
    Some(Answer { status, retry_after_s: field("retry-after").and_then(|wait| wait.parse().ok()), body })
}

/// Joins the chunks that a proxy has made of a body. RFC 9112, 7.1.
fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let (line, after) = rest.split_at_checked(end)?;
        let digits = std::str::from_utf8(line).ok()?.split(';').next()?.trim();
        let length = usize::from_str_radix(digits, 16).ok()?;
        let chunk = after.get(2..)?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(chunk.get(..length)?);
        rest = chunk.get(length..)?.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(raw: &str) -> Option<String> {
        parse(raw.as_bytes()).map(|answer| String::from_utf8(answer.body).unwrap())
    }

    /// A proxy in front cuts answers as it likes; a cut one must not pass for a short list of sessions.
    #[test]
    fn answers_are_read_whole_or_not_at_all() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(body(whole).as_deref(), Some("hello"));
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n";
        assert_eq!(body(chunked).as_deref(), Some("hello"));
        assert_eq!(body("HTTP/1.0 200\r\n\r\nhello").as_deref(), Some("hello"));
        for (text, least) in [(whole, 0), (chunked, "\r\n\r\n".len())] {
            for end in 0..text.len() - least {
                assert_eq!(body(&text[..end]), None, "{:?}", &text[..end]);
            }
        }
        for wrong in ["SSH-2.0-x\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200\r\ncontent-length: -1\r\n\r\n"] {
            assert_eq!(body(wrong), None, "{wrong:?}");
        }
        let huge = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nx";
        assert_eq!(body(huge), None);
    }

    /// Whoever is told to wait has to be able to.
    #[test]
    fn wait_is_understood() {
        let answer = parse(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n").unwrap();
        assert_eq!(answer, Answer { status: 429, retry_after_s: Some(7), body: Vec::new() });
    }
}
