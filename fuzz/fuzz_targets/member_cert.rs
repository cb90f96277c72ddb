#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cahoots_fuzz::member_cert::run(data));
