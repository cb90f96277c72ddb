//! With the feature `tests`, makes plain functions of the tests in `tests/it/vectors`: they have to hold where no test
//! harness runs, too.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_TESTS").is_none() {
        return Ok(());
    }
    let tests = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../tests/it/vectors");
    let folder = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", tests.display());

    let mut modules = String::new();
    let mut tables = String::new();
    for entry in fs::read_dir(tests)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a test's name is text")?.to_owned();
        let source = fs::read_to_string(&path)?;
        let copy = folder.join(format!("{name}.rs"));
        fs::write(&copy, as_functions(&source)?)?;
        writeln!(modules, "#[path = {copy:?}]\nmod {name};")?;
        writeln!(tables, "    (\"{name}\", {name}::CASES),")?;
    }
    let list = format!("{modules}\nconst CASES: &[(&str, &[Case])] = &[\n{tables}];\n");
    fs::write(folder.join("vectors.rs"), list)?;
    Ok(())
}

/// Returns a file of tests with the tests as functions, and a table of them.
fn as_functions(source: &str) -> Result<String, Box<dyn Error>> {
    let mut cases = String::new();
    for test in source.split("#[test]\n").skip(1) {
        let name =
            test.split_once("fn ").and_then(|(_, rest)| Some(rest.split_once('(')?.0)).ok_or("a test is a function")?;
        write!(cases, "(\"{name}\", {name}), ")?;
    }
    let functions = source.replace("#[test]\n", "");
    Ok(format!("{functions}\npub(super) const CASES: &[super::Case] = &[{cases}];\n"))
}
