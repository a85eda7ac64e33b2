#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rqsearch_fuzz::run("judged", data));
