//! Who may ask the API: by a name that is ours, and from no page but our own and those that the operator lists.

use super::Caller;
use super::answer::Problem;
use crate::io::gateway::guard::authority;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CONTENT_SECURITY_POLICY, ORIGIN, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What every answer says to a browser: that it is no page, and nobody else's.
const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (VARY, "origin"),
];
/// What a page of an origin that is listed may do.
const PERMISSIONS: [(HeaderName, &str); 3] = [
    (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
    (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
    (ACCESS_CONTROL_MAX_AGE, "600"),
];

/// Turns away who asks by a wrong name or from a wrong page, answers browsers that ask beforehand, and adds to every
/// answer what they must know.
pub(super) async fn check(State(caller): State<Caller>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let mut listed = None;
    let mut response = match authority(request.headers()) {
        None => {
            let hint = "send the field host, with the relay's name";
            Problem::new(StatusCode::BAD_REQUEST, "a request must say whom it asks", hint).into_response()
        }
        Some(authority) if !caller.visit.house.names.knows(&authority) => {
            let hint = "ask by another name, or let the operator add this one with --host";
            Problem::new(StatusCode::MISDIRECTED_REQUEST, "this relay does not go by that name", hint).into_response()
        }
        Some(authority) => {
            let text = origin.as_ref().map(|origin| origin.to_str().unwrap_or("null"));
            let is_listed = text.is_some_and(|origin| caller.visit.house.names.may_ask_api(origin));
            let is_own = text.is_none_or(|origin| caller.visit.house.names.is_own_page(origin, &authority));
            listed = origin.filter(|_| is_listed);
            if !is_own && !is_listed {
                let hint = "let the operator list the page's origin with --cors-origin";
                Problem::new(StatusCode::FORBIDDEN, "pages of this origin may not ask here", hint).into_response()
            } else if request.method() == Method::OPTIONS {
                permit(listed.is_some())
            } else {
                next.run(request).await
            }
        }
    };
    let headers = response.headers_mut();
    HEADERS.into_iter().for_each(|(name, value)| drop(headers.insert(name, HeaderValue::from_static(value))));
    if let Some(origin) = listed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
    }
    response
}

/// Answers a browser that asks whether a page may ask.
fn permit(is_listed: bool) -> Response {
    if is_listed {
        (StatusCode::NO_CONTENT, PERMISSIONS).into_response()
    } else {
        StatusCode::NO_CONTENT.into_response()
    }
}
