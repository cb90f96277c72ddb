//! Turns a compiled core into what a page loads: `cahoots-web-bindgen IN.wasm OUT_FOLDER`.
//!
//! Does what the `wasm-bindgen` program does with `--target web`, so that whoever builds the viewer need not install
//! one, and nobody builds it with another version than everybody else.

use std::process::ExitCode;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [input, folder] = arguments.as_slice() else {
        eprintln!("error: expected IN.wasm and OUT_FOLDER, got {} arguments", arguments.len());
        return ExitCode::FAILURE;
    };
    let mut bindgen = Bindgen::new();
    let made = bindgen.input_path(input).typescript(true).web(true).and_then(|bindgen| bindgen.generate(folder));
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
