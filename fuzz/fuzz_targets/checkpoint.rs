#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cahoots_fuzz::checkpoint::run(data));
