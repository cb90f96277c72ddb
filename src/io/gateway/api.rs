//! The relay's HTTP API: figures for its operator, counts for holders of links, health for anybody.
//!
//! request --guard, quota--> route --> node --> JSON
//!
//! Always: it tells how many, how much and since when, never what; who proves nothing learns nothing, not even whether a
//! session exists. `openapi.json` beside this file describes all of it. PROTOCOL.md 20.

mod answer;
mod client;
mod exchange;
mod guard;
mod listing;
mod operator;

pub use client::{AskError, RelayClient};
pub use operator::{OperatorToken, OperatorTokenError};

use super::Visit;
use crate::io::clock::Clock;
use crate::io::relay_server::Node;
use crate::proto::hex;
use crate::proto::id::{SessionId, ShareId};
use crate::proto::inquiry::{Challenge, Inquiry, Place};
use crate::proto::limits::{API_RATE, CHALLENGE_US};
use crate::proto::relay::{InquiryError, Network, Quota};
use answer::{ChallengeAnswer, Health, InquiryBody, Problem, SessionList, json, openapi};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware;
use axum::response::Response;
use axum::routing::any;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// Where everything of this version is.
const BASE: &str = "/api/v1";
/// Method and path of an inquiry, as its signature has them.
const COUNTS_REQUEST: &str = "POST /api/v1/counts";
/// Bytes of a request's body: an inquiry has about 350.
const BODY_BYTES_MAX: usize = 4_096;
/// How long a request's body may take to come.
const BODY: Duration = Duration::from_secs(10);
/// Sessions in one answer, unless asked for fewer or more; and at most.
const SESSIONS: usize = 100;
const SESSIONS_MAX: usize = 1_000;

/// What can be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Route {
    Health,
    Description,
    Challenges,
    Counts,
    Node,
    Sessions,
    Session,
}

/// Method and path of all there is. A part in braces stands for any.
const ROUTES: [(&str, &str, Route); 7] = [
    ("GET", "/health", Route::Health),
    ("GET", "/openapi.json", Route::Description),
    ("POST", "/challenges", Route::Challenges),
    ("POST", "/counts", Route::Counts),
    ("GET", "/node", Route::Node),
    ("GET", "/sessions", Route::Sessions),
    ("GET", "/sessions/{session}", Route::Session),
];

/// The API of one node. Clones are handles of the same one.
#[derive(Clone)]
pub struct Api(Arc<Desk>);

struct Desk {
    node: Node,
    operator: Option<OperatorToken>,
    quota: Mutex<Quota>,
    clock: Clock,
}

impl Api {
    /// Answers for `node`, and lets in as its operator whoever has the token.
    #[must_use]
    pub fn new(node: Node, operator: Option<OperatorToken>) -> Self {
        Self(Arc::new(Desk { node, operator, quota: Mutex::new(Quota::new(API_RATE)), clock: Clock::start() }))
    }
}

/// Returns what answers the requests of one connection; nothing where there is no API.
pub(super) fn routes(visit: &Visit) -> Router {
    let Some(Api(desk)) = &visit.house.api else { return Router::new() };
    let caller = Caller { desk: Arc::clone(desk), visit: visit.clone() };
    let routes = Router::new().route("/api/{*path}", any(answer)).with_state(caller.clone());
    routes.layer(middleware::from_fn_with_state(caller, guard::check))
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("has_operator", &self.0.operator.is_some()).finish_non_exhaustive()
    }
}

/// Who asks, and where.
#[derive(Clone)]
struct Caller {
    desk: Arc<Desk>,
    visit: Visit,
}

async fn answer(State(caller): State<Caller>, request: Request) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let (route, parameter) = find(&head.method, head.uri.path())?;
    // Whoever watches over the relay asks often, and it costs nothing.
    if route != Route::Health {
        caller.take_quota(&head.headers)?;
    }
    match route {
        Route::Health => Ok(json(&Health { status: "ok" })),
        Route::Description => Ok(openapi()),
        Route::Challenges => {
            let Challenge(challenge) = caller.desk.node.make_challenge();
            let expires_in_s = CHALLENGE_US / 1_000_000;
            Ok(json(&ChallengeAnswer { challenge: hex::Hex(&challenge).to_string(), expires_in_s }))
        }
        Route::Counts => caller.counts(&head, body).await,
        Route::Node => {
            caller.check_operator(&head.headers)?;
            Ok(json(&caller.desk.node.stats()))
        }
        Route::Sessions => {
            caller.check_operator(&head.headers)?;
            caller.sessions(head.uri.query().unwrap_or_default())
        }
        Route::Session => {
            caller.check_operator(&head.headers)?;
            let found = SessionId::parse(parameter).and_then(|session| caller.desk.node.session_stats(&session));
            found.map(|stats| json(&stats)).ok_or_else(Problem::no_such_session)
        }
    }
}

/// Finds what a request is for, and the part of its path that is free.
fn find<'a>(method: &Method, path: &'a str) -> Result<(Route, &'a str), Problem> {
    let below = path.strip_prefix(BASE).ok_or_else(Problem::no_such_path)?;
    let parameter = |template: &str| match template.split_once('{') {
        None => (template == below).then_some(""),
        Some((before, _)) => below.strip_prefix(before).filter(|rest| !rest.is_empty() && !rest.contains('/')),
    };
    let fitting = ROUTES.iter().filter_map(|(method, template, route)| Some((*method, *route, parameter(template)?)));
    let fitting: Vec<_> = fitting.collect();
    // What may be got may be asked for without its body.
    let asked = if method == Method::HEAD { Method::GET } else { method.clone() };
    let found = fitting.iter().find(|(method, ..)| *method == asked.as_str());
    match (found, fitting.first()) {
        (Some((_, route, parameter)), _) => Ok((*route, parameter)),
        (None, Some((method, ..))) => Err(Problem::wrong_method(method)),
        (None, None) => Err(Problem::no_such_path()),
    }
}

impl Caller {
    fn network(&self, headers: &HeaderMap) -> Network {
        Network::of(self.visit.visitor(headers))
    }

    fn take_quota(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let now = self.desk.clock.now().mono;
        let mut quota = self.desk.quota.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = quota.take(self.network(headers), now);
        taken.map_err(|until| Problem::too_many(until.since_us(now).div_ceil(1_000_000)))
    }

    /// Lets the operator pass. A relay that has none says the same as to who has the wrong token.
    fn check_operator(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, token) = given.split_once(' ').unwrap_or_default();
        let is_bearer = scheme.eq_ignore_ascii_case("bearer");
        let is_operator = self.desk.operator.as_ref().is_some_and(|operator| operator.is(token.trim()));
        if is_bearer && is_operator {
            return Ok(());
        }
        tracing::debug!(remote = %self.visit.remote, "a request to the operator's API without its token");
        Err(Problem::not_the_operator())
    }

    async fn counts(&self, head: &Parts, body: Body) -> Result<Response, Problem> {
        let host = self.own_name(&head.headers)?;
        let inquiry = read_inquiry(&head.headers, body).await?;
        let place = Place { host: &host, request: COUNTS_REQUEST };
        match self.desk.node.inquire(self.network(&head.headers), &inquiry, place) {
            Ok(counts) => Ok(json(&counts)),
            Err(InquiryError::Stale) => Err(Problem::stale()),
            Err(InquiryError::TooMany { wait_s }) => Err(Problem::too_many(wait_s)),
            Err(InquiryError::Busy) => Err(Problem::busy()),
            Err(InquiryError::Refused) => Err(Problem::refused()),
        }
    }

    /// Returns the name by which the relay was asked, if it is its own and nobody else's.
    fn own_name(&self, headers: &HeaderMap) -> Result<String, Problem> {
        let local = self.visit.local.map(|local| local.ip().to_canonical());
        let authority =
            super::guard::authority(headers).filter(|authority| self.visit.house.names.owns(authority, local));
        authority.map(|authority| authority.as_str().to_ascii_lowercase()).ok_or_else(Problem::not_our_name)
    }

    fn sessions(&self, query: &str) -> Result<Response, Problem> {
        let (mut after, mut limit) = (None, SESSIONS);
        for (name, value) in query.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| pair.split_once('=')) {
            match name {
                "after" => after = Some(SessionId::parse(value).ok_or_else(|| Problem::wrong_field("after"))?),
                "limit" => limit = parse_limit(value).ok_or_else(|| Problem::wrong_field("limit"))?,
                _ => {}
            }
        }
        let mut sessions = self.desk.node.sessions_after(after, limit + 1);
        let has_more = sessions.len() > limit;
        sessions.truncate(limit);
        let next = sessions.last().filter(|_| has_more).map(|last| last.session);
        Ok(json(&SessionList { sessions, next }))
    }
}

fn parse_limit(text: &str) -> Option<usize> {
    text.parse().ok().filter(|limit| (1..=SESSIONS_MAX).contains(limit))
}

async fn read_inquiry(headers: &HeaderMap, body: Body) -> Result<Inquiry, Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // Browsers send what is called JSON to no other origin without asking first.
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body is not said to be JSON",
            "send the field content-type: application/json",
        ));
    }
    let body = timeout(BODY, to_bytes(body, BODY_BYTES_MAX)).await.map_err(|_| Problem::late())?;
    let body = body.map_err(|_| Problem::large())?;
    let body: InquiryBody = serde_json::from_slice(&body).map_err(|_| Problem::not_an_inquiry())?;
    let wrong = Problem::wrong_field;
    Ok(Inquiry {
        session: SessionId::parse(&body.session).ok_or_else(|| wrong("session"))?,
        share: ShareId::parse(&body.share).ok_or_else(|| wrong("share"))?,
        challenge: Challenge(hex::parse(&body.challenge).ok_or_else(|| wrong("challenge"))?),
        signature: hex::parse(&body.signature).ok_or_else(|| wrong("signature"))?,
    })
}

#[cfg(test)]
mod tests;
