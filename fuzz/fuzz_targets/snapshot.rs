#![no_main]

libfuzzer_sys::fuzz_target!(
    init: rqsearch_fuzz::allow_caught_panics(),
    |data: &[u8]| rqsearch_fuzz::run("snapshot", data)
);
