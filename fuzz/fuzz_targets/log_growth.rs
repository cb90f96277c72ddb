#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cahoots_fuzz::log_growth::run(data));
