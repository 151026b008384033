#![no_main]
pd_console_fuzz::fuzz!("remote_codec");
