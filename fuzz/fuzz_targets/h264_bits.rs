#![no_main]
pd_console_fuzz::fuzz!("h264_bits");
