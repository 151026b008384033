use super::*;
use EncoderFamily::{Libopenh264, Libx264};

fn read(family: EncoderFamily, text: &str) -> Failure {
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    explain(family, &lines)
}

/// Whole last words as they were measured on a machine without a GPU.
const NVENC_5: &str = "\
[h264_nvenc @ 0x5649d50f1640] Cannot load libcuda.so.1
Error initializing output stream 0:0 -- Error while opening encoder for output stream #0:0 - maybe incorrect parameters such as bit_rate, rate, width or height
";
const NVENC_9: &str = "\
[h264_nvenc @ 0x557a5b07e640] Cannot load libcuda.so.1
[vost#0:0/h264_nvenc @ 0x557a5b07dd00] [enc:h264_nvenc @ 0x557a5b07e580] Error while opening encoder - maybe incorrect parameters such as bit_rate, rate, width or height.
[vf#0:0 @ 0x557a5b09c340] Error sending frames to consumers: Operation not permitted
[vf#0:0 @ 0x557a5b09c340] Task finished with error code: -1 (Operation not permitted)
[vost#0:0/h264_nvenc @ 0x557a5b07dd00] [enc:h264_nvenc @ 0x557a5b07e580] Could not open encoder before EOF
[vost#0:0/h264_nvenc @ 0x557a5b07dd00] Task finished with error code: -22 (Invalid argument)
[vost#0:0/h264_nvenc @ 0x557a5b07dd00] Terminating thread with return code -22 (Invalid argument)
[out#0/flv @ 0x557a5b07c640] Nothing was written into output file, because at least one of its streams received no packets.
";
const QSV_5: &str = "\
[h264_qsv @ 0x5646520e9740] Error initializing an internal MFX session: unsupported (-3)
Error initializing output stream 0:0 -- Error while opening encoder for output stream #0:0 - maybe incorrect parameters such as bit_rate, rate, width or height
";
const QSV_9: &str = "\
[h264_qsv @ 0x55cec0116640] Error creating a MFX session: -9.
[vost#0:0/h264_qsv @ 0x55cec0115d00] [enc:h264_qsv @ 0x55cec0116580] Error while opening encoder - maybe incorrect parameters such as bit_rate, rate, width or height.
";
const AMF_9: &str = "\
[AMF @ 0x7fdb24003880] DLL libamfrt64.so.1 failed to open
[h264_amf @ 0x55e3add01700] Failed to create  hardware device context (AMF) : Unknown error occurred
[vost#0:0/h264_amf @ 0x55e3add00840] [enc:h264_amf @ 0x55e3add01200] Error while opening encoder - maybe incorrect parameters such as bit_rate, rate, width or height.
";
const VAAPI_5: &str = "\
[AVHWDeviceContext @ 0x55952807cf80] No VA display found for device /dev/dri/renderD128.
Device creation failed: -22.
Failed to set value '/dev/dri/renderD128' for option 'vaapi_device': Invalid argument
Error parsing global options: Invalid argument
";
const VAAPI_NO_DEVICE_5: &str = "\
[hwupload @ 0x55c622d373c0] A hardware device reference is required to upload frames to.
[Parsed_hwupload_1 @ 0x55c622d37280] Query format failed for 'Parsed_hwupload_1': Invalid argument
Error reinitializing filters!
Failed to inject frame into filter network: Invalid argument
";
const MF_9: &str = "\
[vost#0:0 @ 0x55b3b1d056c0] Unknown encoder 'h264_mf'
[vost#0:0 @ 0x55b3b1d056c0] Error selecting an encoder
Error opening output file pipe:1.
Error opening output files: Encoder not found
";

/// `[name @ 0x1] text` as `[name @ 0x1] [error] text`.
fn with_level(line: &str) -> String {
    match line.rsplit_once("] ") {
        Some((names, text)) if line.starts_with('[') => format!("{names}] [error] {text}"),
        _ => format!("[error] {line}"),
    }
}

#[test]
fn an_encoder_that_cannot_be_opened_is_told_from_its_words() {
    assert!(NVENC_5.lines().any(cannot_open) && NVENC_9.lines().any(cannot_open));
    assert!(QSV_5.lines().any(cannot_open) && AMF_9.lines().any(cannot_open));
    assert!(!cannot_open(
        "[libopenh264 @ 0x1] [warning] 3 frames skipped"
    ));
}

#[test]
fn the_measured_texts_are_explained() {
    for (family, text, class, word) in [
        (Nvenc, NVENC_5, Class::NoDriver, "Install NVIDIA's driver"),
        (Nvenc, NVENC_9, Class::NoDriver, "Install NVIDIA's driver"),
        (Qsv, QSV_5, Class::NoDriver, "Intel"),
        (Qsv, QSV_9, Class::NoDriver, "Intel"),
        (Amf, AMF_9, Class::NoDriver, "AMF runtime is not installed"),
        (Vaapi, VAAPI_5, Class::NoDevice, "groups render and video"),
        (Vaapi, VAAPI_NO_DEVICE_5, Class::NoDevice, "/dev/dri"),
        (MediaFoundation, MF_9, Class::NotInBuild, "built without"),
        (
            Amf,
            "Unknown encoder 'h264_amf'\n",
            Class::NotInBuild,
            "built without",
        ),
        (
            Libopenh264,
            "Unrecognized option 'allow_skip_frames'.\nError splitting the argument list: Option not found\n",
            Class::Option,
            "does not know an option",
        ),
    ] {
        let failure = read(family, text);
        assert_eq!(failure.class, class, "{family:?} {failure:?}");
        assert!(failure.why.contains(word), "{family:?} {failure:?}");
        // The same as ffmpeg-sidecar has it written.
        let mut levels: Vec<_> = text.lines().map(with_level).collect();
        assert_eq!(explain(family, &levels), failure);
        levels.reverse();
        assert_eq!(explain(family, &levels).class, class);
        assert!(!failure.why.contains("maybe incorrect"), "{failure:?}");
        assert!(!failure.said.contains(" @ 0x"), "{failure:?}");
    }
}

#[test]
fn the_texts_of_the_sources_are_explained() {
    for (family, line, class) in [
        (
            Nvenc,
            "[h264_nvenc @ 0x1] Cannot load nvcuda.dll",
            Class::NoDriver,
        ),
        (
            Nvenc,
            "[h264_nvenc @ 0x1] Cannot load nvEncodeAPI64.dll",
            Class::NoDriver,
        ),
        (
            Nvenc,
            "[h264_nvenc @ 0x1] No capable devices found",
            Class::NoDevice,
        ),
        (
            Nvenc,
            "[h264_nvenc @ 0x1] No NVENC capable devices found",
            Class::NoDevice,
        ),
        (
            Nvenc,
            "[h264_nvenc @ 0x1] Width 8192 exceeds 4096",
            Class::Size,
        ),
        (
            Nvenc,
            "[h264_nvenc @ 0x1] Height 8192 exceeds 4096",
            Class::Size,
        ),
        (
            Nvenc,
            "[h264_nvenc @ 0x1] InitializeEncoder failed: invalid param (8): Invalid Level.",
            Class::Level,
        ),
        (
            Nvenc,
            "[h264_nvenc @ 0x1] Provided device doesn't support required NVENC features",
            Class::Option,
        ),
        (
            Nvenc,
            "[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: out of memory (10): (no details)",
            Class::Busy,
        ),
        (
            Qsv,
            "[h264_qsv @ 0x1] Current resolution is unsupported",
            Class::Size,
        ),
        (
            Qsv,
            "[h264_qsv @ 0x1] Selected ratecontrol mode is unsupported",
            Class::RateControl,
        ),
        (
            Qsv,
            "[h264_qsv @ 0x1] Low power mode is unsupported",
            Class::PowerMode,
        ),
        (
            Qsv,
            "[h264_qsv @ 0x1] some encoding parameters are not supported by the QSV runtime. Please double check the input parameters.",
            Class::Option,
        ),
        (
            Amf,
            "[h264_amf @ 0x1] DLL amfrt64.dll failed to open",
            Class::NoDriver,
        ),
        (
            Amf,
            "[h264_amf @ 0x1] CreateComponent(AMFVideoEncoderVCE_AVC) failed with error 30",
            Class::NoDevice,
        ),
        (
            Amf,
            "[h264_amf @ 0x1] SubmitInput() failed with error 2",
            Class::Other,
        ),
        (
            Amf,
            "[h264_amf @ 0x1] AMF via D3D11 is not supported on the given device.",
            Class::NoDevice,
        ),
        (
            VideoToolbox,
            "[h264_videotoolbox @ 0x1] Cannot create compression session: -12908",
            Class::Option,
        ),
        (
            Vaapi,
            "[h264_vaapi @ 0x1] No usable encoding profile found.",
            Class::NoDevice,
        ),
        (
            Vaapi,
            "[h264_vaapi @ 0x1] Driver does not support any RC mode compatible with selected options (supported modes: CQP).",
            Class::RateControl,
        ),
        (
            Vaapi,
            "[AVHWDeviceContext @ 0x1] Failed to initialise VAAPI connection: -1 (unknown libva error).",
            Class::NoDriver,
        ),
        (
            MediaFoundation,
            "[h264_mf @ 0x1] DLL mfplat.dll failed to open",
            Class::NoDriver,
        ),
        (
            MediaFoundation,
            "[h264_mf @ 0x1] could not set output type (MF_E_INVALIDMEDIATYPE)",
            Class::Option,
        ),
        (
            Libx264,
            "[AVOption @ 0x1] Undefined constant or missing '(' in 'ultrafast'",
            Class::Option,
        ),
    ] {
        let failure = read(family, line);
        assert_eq!(failure.class, class, "{line}: {failure:?}");
        assert_eq!(failure.said, bare(line));
        // What to do follows what happened.
        assert!(failure.why.contains(". "), "{failure:?}");
    }
    // The hint stands beside the error and says more.
    let both = "[x @ 0x1] Cannot create compression session: -12903\n[x @ 0x1] Try -allow_sw 1. The hardware encoder may be busy, or not supported.";
    assert_eq!(read(VideoToolbox, both).class, Class::NoDevice);
    // A text of another family's means nothing.
    assert_eq!(read(Libx264, "Width 10 exceeds 4").class, Class::Other);
}

#[test]
fn an_old_driver_is_told_which_to_install() {
    for least in ["570.0", "610.00"] {
        let text = format!(
            "[h264_nvenc @ 0x1] Driver does not support the required nvenc API version. Required: 13.0 Found: 12.1\n\
             [h264_nvenc @ 0x1] The minimum required Nvidia driver for nvenc is {least} or newer\n"
        );
        let failure = read(Nvenc, &text);
        assert_eq!(failure.class, Class::OldDriver);
        assert!(
            failure.why.contains(&format!("driver {least} or newer")),
            "{failure:?}"
        );
    }
}

#[test]
fn of_an_unknown_text_the_last_line_that_means_something_is_shown() {
    let text = NVENC_9.replace("Cannot load libcuda.so.1", "The moon is full");
    let failure = read(Nvenc, &text);
    assert_eq!(failure.class, Class::Other);
    assert_eq!(failure.said, "The moon is full");
    // Nothing but noise.
    let failure = read(
        Nvenc,
        &text.replace("[h264_nvenc @ 0x557a5b07e640] The moon is full\n", ""),
    );
    assert!(failure.why.contains("without a reason"), "{failure:?}");
    assert!(read(Libx264, "").why.contains("without a reason"));
    assert_eq!(bare("[a @ 0x1] [b @ 0x2] text [c] d"), "text [c] d");
    assert_eq!(bare("[not a prefix] text"), "[not a prefix] text");
    assert_eq!(bare("[a @ 0x1] [fatal] text"), "text");
}

#[test]
fn no_known_text_is_hidden_by_another_of_its_family() {
    for (at, known) in KNOWN.iter().enumerate() {
        for earlier in &KNOWN[..at] {
            let same = earlier.of.is_empty()
                || known.of.is_empty()
                || earlier.of.iter().any(|f| known.of.contains(f));
            assert!(
                !(same && known.text.contains(earlier.text)),
                "`{}` is never reached",
                known.text
            );
        }
    }
}
