//! Runs every seed and every past finding on stable, without libFuzzer.

use cahoots_fuzz::TARGETS;
use std::path::Path;

/// A crash that was found once must never come back.
#[test]
fn every_file_of_every_corpus_passes() {
    for (name, run) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut count = 0;
        for file in files {
            let path = file.expect("the folder can be read").path();
            let data = std::fs::read(&path).expect("the file can be read");
            eprintln!("{}", path.display());
            run(&data);
            count += 1;
        }
        assert!(count > 0, "{} has no seed", folder.display());
    }
}

/// Nothing at all is the input that is forgotten most easily.
#[test]
fn nothing_passes_everywhere() {
    for (_, run) in TARGETS {
        run(&[]);
    }
}
