#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pbi_analyze_fuzz_store::targets::sql(data));
