#![no_main]
pd_console_fuzz::fuzz!("api_json");
