#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cahoots_fuzz::direct_payload::run(data));
