#![no_main]
pd_console_fuzz::fuzz!("audio_convert");
