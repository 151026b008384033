#![no_main]
pd_console_fuzz::fuzz!("target_urls");
