//! The shared vectors, run by this very core: `tests/it/vectors` with a page in place of the test harness.
//!
//! files of `tests/vectors` --`takeVectors`--> here; `vectorCases`, `runVectorCase` --> what holds
//!
//! Not in the core that is shipped.

use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic;
use wasm_bindgen::prelude::*;

thread_local! {
    static FILES: RefCell<BTreeMap<String, Value>> = const { RefCell::new(BTreeMap::new()) };
    static READ: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// A test, by its name.
type Case = (&'static str, fn());

include!(concat!(env!("OUT_DIR"), "/vectors.rs"));

/// Stands in for the macro of the same name that reads a file of `tests/vectors`.
macro_rules! vectors {
    ($name:literal) => {
        super::read($name)
    };
}
use vectors;

fn read(name: &str) -> Value {
    READ.with_borrow_mut(|read| read.insert(name.to_owned()));
    FILES.with_borrow(|files| files.get(name).cloned()).unwrap_or_else(|| panic!("nobody brought {name}.json"))
}

/// Takes a file of `tests/vectors` by its name without the ending.
///
/// # Errors
///
/// If it is no JSON.
#[wasm_bindgen(js_name = takeVectors)]
pub fn take_vectors(name: &str, json: &str) -> Result<(), JsError> {
    let file = serde_json::from_str(json).map_err(crate::error)?;
    FILES.with_borrow_mut(|files| files.insert(name.to_owned(), file));
    Ok(())
}

/// Names all cases, as `file::test`.
#[wasm_bindgen(js_name = vectorCases)]
pub fn vector_cases() -> Vec<String> {
    let named = CASES.iter().flat_map(|(file, cases)| cases.iter().map(move |(name, _)| format!("{file}::{name}")));
    named.collect()
}

/// Runs a case and returns the names of the files that it read. Where it fails, it throws what the test says, and this
/// instance of the core is not to be used again.
#[wasm_bindgen(js_name = runVectorCase)]
pub fn run_vector_case(name: &str) -> Vec<String> {
    panic::set_hook(Box::new(|why| wasm_bindgen::throw_str(&why.to_string())));
    READ.with_borrow_mut(BTreeSet::clear);
    let run = name.split_once("::").and_then(|(file, case)| {
        let (_, cases) = CASES.iter().find(|(known, _)| *known == file)?;
        cases.iter().find(|(known, _)| *known == case)
    });
    match run {
        Some((_, run)) => run(),
        None => panic!("no case is called {name}"),
    }
    READ.take().into_iter().collect()
}
