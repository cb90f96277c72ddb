//! What the API says: JSON, and problems that say what to do (RFC 9457).
//!
//! Always: nothing here is kept by anybody in between; a problem tells what is wrong with the request, not what the
//! relay has.

use super::{BODY, BODY_BYTES_MAX, SESSIONS_MAX};
use crate::proto::id::SessionId;
use crate::proto::limits::CHALLENGE_US;
use crate::proto::relay::SessionStats;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The description of all this, as it was built into the program.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

/// How the operator shows who it is.
const BEARER: &str = "Bearer realm=\"relay operator\"";

/// Answers `health`.
#[derive(Serialize)]
pub(super) struct Health {
    pub status: &'static str,
}

/// Answers `challenges`.
#[derive(Deserialize, Serialize)]
pub(super) struct ChallengeAnswer {
    pub challenge: String,
    pub expires_in_s: u64,
}

/// Asks `counts`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InquiryBody {
    pub session: String,
    pub share: String,
    pub challenge: String,
    pub signature: String,
}

/// Answers `sessions`.
#[derive(Deserialize, Serialize)]
pub(super) struct SessionList {
    pub sessions: Vec<SessionStats>,
    /// Where to go on, if there are more.
    pub next: Option<SessionId>,
}

/// Says something.
pub(super) fn json(value: &impl Serialize) -> Response {
    text(StatusCode::OK, "application/json", "no-store", as_json(value))
}

pub(super) fn openapi() -> Response {
    text(StatusCode::OK, "application/json", "no-cache", OPENAPI)
}

#[expect(clippy::expect_used, reason = "our answers are structs with fields of text and numbers")]
fn as_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it has an equivalent in JSON")
}

fn text(status: StatusCode, kind: &'static str, caching: &'static str, body: impl Into<Cow<'static, str>>) -> Response {
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, caching)];
    (status, headers, body.into().into_owned()).into_response()
}

/// What is wrong with a request, and what to do about it.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: Cow<'static, str>,
    hint: Cow<'static, str>,
    field: Option<Field>,
}

/// What stands in the answer's head besides.
#[derive(Debug)]
enum Field {
    Allow(&'static str),
    Authenticate,
    RetryAfter(u64),
}

/// A [`Problem`] as it is written.
#[derive(Serialize)]
struct ProblemBody<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    hint: &'a str,
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        detail: impl Into<Cow<'static, str>>,
        hint: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, detail: detail.into(), hint: hint.into(), field: None }
    }

    fn with(self, field: Field) -> Self {
        Self { field: Some(field), ..self }
    }

    pub(super) fn no_such_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "there is nothing at this path",
            "GET /api/v1/openapi.json tells what there is",
        )
    }

    pub(super) fn no_such_session() -> Self {
        let hint = "GET /api/v1/sessions lists those that there are";
        Self::new(StatusCode::NOT_FOUND, "this relay has no such session", hint)
    }

    pub(super) fn wrong_method(allowed: &'static str) -> Self {
        let hint = format!("use {allowed}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "this path takes another method", hint).with(Field::Allow(allowed))
    }

    pub(super) fn not_the_operator() -> Self {
        let hint = "send the relay's operator token as authorization: Bearer <token>";
        Self::new(StatusCode::UNAUTHORIZED, "this is for the relay's operator", hint).with(Field::Authenticate)
    }

    /// One answer for all reasons.
    pub(super) fn refused() -> Self {
        let hint = "check the signature, the link, and that it is neither revoked nor expired; the relay says no more";
        Self::new(StatusCode::FORBIDDEN, "no such session, or this link may not ask about it", hint)
    }

    pub(super) fn stale() -> Self {
        let hint = "POST /api/v1/challenges gives a new one; it is good once, and for half a minute";
        Self::new(StatusCode::CONFLICT, "this challenge is too old, was used, or is not of this relay", hint)
    }

    pub(super) fn too_many(wait_s: u64) -> Self {
        let hint = format!("try again in {wait_s} s");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too many requests came from this network", hint)
            .with(Field::RetryAfter(wait_s))
    }

    pub(super) fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too many inquiries at this time", "try again in half a minute")
            .with(Field::RetryAfter(CHALLENGE_US / 1_000_000))
    }

    pub(super) fn not_our_name() -> Self {
        let hint = "ask by the name that the operator gave it with --host, or by its very address";
        Self::new(StatusCode::MISDIRECTED_REQUEST, "an inquiry counts only by a name that is this relay's own", hint)
    }

    pub(super) fn late() -> Self {
        let hint = format!("send it within {} s", BODY.as_secs());
        Self::new(StatusCode::REQUEST_TIMEOUT, "the body did not come", hint)
    }

    pub(super) fn large() -> Self {
        let hint = format!("a body has at most {BODY_BYTES_MAX} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large, or broke off", hint)
    }

    pub(super) fn not_an_inquiry() -> Self {
        let hint = "send an object with the texts session, share, challenge and signature, and nothing else";
        Self::new(StatusCode::BAD_REQUEST, "the body is no inquiry", hint)
    }

    pub(super) fn wrong_field(name: &'static str) -> Self {
        let hint = match name {
            "limit" => format!("limit is a number from 1 to {SESSIONS_MAX}"),
            _ => "ids, challenges and signatures are lower-case hexadecimal digits: 32, 64 and 128".to_owned(),
        };
        Self::new(StatusCode::BAD_REQUEST, format!("{name} is not what it should be"), hint)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            // By RFC 9457, 4.2.1: the status says what kind of problem it is.
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.detail,
            hint: &self.hint,
        };
        let mut response = text(self.status, "application/problem+json", "no-store", as_json(&body));
        let field = self.field.map(|field| match field {
            Field::Allow(methods) => (ALLOW, HeaderValue::from_static(methods)),
            Field::Authenticate => (WWW_AUTHENTICATE, HeaderValue::from_static(BEARER)),
            Field::RetryAfter(wait_s) => (RETRY_AFTER, wait_s.into()),
        });
        response.headers_mut().extend(field);
        response
    }
}
