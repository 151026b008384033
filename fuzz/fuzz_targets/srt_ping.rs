#![no_main]
pd_console_fuzz::fuzz!("srt_ping");
