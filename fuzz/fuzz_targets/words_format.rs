#![no_main]
pd_console_fuzz::fuzz!("words_format");
