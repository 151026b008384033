#![no_main]
pd_console_fuzz::fuzz!("ts_round");
