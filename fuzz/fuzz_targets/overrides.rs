#![no_main]
pd_console_fuzz::fuzz!("overrides");
