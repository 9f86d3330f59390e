#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pbi_analyze_fuzz::targets::record_shape(data));
