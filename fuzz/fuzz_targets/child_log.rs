#![no_main]
pd_console_fuzz::fuzz!("child_log");
