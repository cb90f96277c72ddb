#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cahoots_fuzz::share_cert::run(data));
