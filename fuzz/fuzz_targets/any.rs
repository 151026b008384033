//! All targets in one binary: PD_FUZZ_TARGET names the one.
#![no_main]
pd_console_fuzz::fuzz_named!();
