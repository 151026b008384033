#![no_main]
pd_console_fuzz::fuzz!("glass");
