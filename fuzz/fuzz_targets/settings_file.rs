#![no_main]
pd_console_fuzz::fuzz!("settings_file");
