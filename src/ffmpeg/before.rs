//! Arguments of what the console is compared with (`pd-console measure`): the two usual commands, as
//! guides write them, and the decoder that reads the pattern's number back.
//!
//! Pure. The commands are the usual ones and stay so: none of the cures of [`super::plan`] belongs here.
//! What was added to them is what a viewer could not do without, and each says why.

use super::Capabilities;
use super::output::SrtOutput;
use super::plan::{Arguments, AudioInput, QUIET};
use crate::capture::pattern::{Rect, number_strip};
use crate::units::{Fps, Size};

/// The usual low-delay flags of x264, at `kbps`.
///
/// Without `-pix_fmt` BGRA becomes 4:4:4, which no browser plays; without `-g` a viewer waits up to 250
/// frames (x264's default) for its first picture.
fn usual_x264(args: &mut Arguments, kbps: u32, fps: Fps) {
    args.add(["-c:v", "libx264", "-preset", "ultrafast"]);
    args.add(["-tune", "zerolatency", "-profile:v", "baseline"]);
    args.add(["-pix_fmt", "yuv420p"]);
    args.add(["-b:v".into(), format!("{kbps}k")]);
    args.add(["-g".into(), fps.frames_in(1.0).to_string()]);
}

/// Reads an RTSP path and publishes it anew, encoded once more, as servers are told to do with
/// `runOnReady`. `to` is the address with user and password, `to_shown` the same with the latter masked.
///
/// TCP, because the managed server offers nothing else.
pub fn transcoder(from: &str, to: &str, to_shown: &str, kbps: u32, fps: Fps) -> Arguments {
    let mut args = Arguments::default();
    args.add(QUIET);
    args.add(["-rtsp_transport", "tcp", "-i", from]);
    usual_x264(&mut args, kbps, fps);
    args.add(["-c:a", "libopus"]);
    args.add(["-f", "rtsp", "-rtsp_transport", "tcp"]);
    args.add_masked(to, to_shown);
    args
}

/// One ffmpeg for everything: raw BGRA on stdin, raw sound (48 kHz, stereo, 16 bit) at `audio`, MPEG-TS
/// over SRT out.
pub fn naive(audio: &AudioInput, size: Size, fps: Fps, kbps: u32, to: &SrtOutput) -> Arguments {
    let mut args = Arguments::default();
    args.add(QUIET);
    args.add(["-f", "rawvideo", "-pix_fmt", "bgra"]);
    args.add(["-video_size".into(), size.to_string()]);
    args.add(["-framerate".into(), format!("{}/{}", fps.num, fps.den)]);
    args.add(["-i", "pipe:0"]);
    args.add(["-f", "s16le", "-ar", "48000", "-ac", "2"]);
    args.add(["-i".into(), audio.url()]);
    args.add(["-map", "0:v", "-map", "1:a"]);
    usual_x264(&mut args, kbps, fps);
    args.add(["-maxrate".into(), format!("{kbps}k")]);
    args.add(["-bufsize".into(), format!("{}k", (kbps / 2).max(1))]);
    args.add(["-c:a", "libopus", "-f", "mpegts"]);
    args.add_secret("-srt_streamid", &to.stream_id, &to.stream_id_shown);
    args.add([&to.url]);
    args
}

/// H.264 (Annex B) on stdin; of each picture, of `size`, the pattern's number strip on stdout as luma,
/// tight rows. One strip a picture, whatever the time stamps say.
pub fn number_reader(size: Size, found: &Capabilities) -> Arguments {
    let Rect {
        x,
        y,
        width,
        height,
    } = number_strip(size);
    let mut args = Arguments::default();
    args.add(QUIET);
    args.add(["-f", "h264", "-i", "pipe:0", "-an", "-vf"]);
    // Luma alone, as it is: turned into grey it would be scaled to full range.
    args.add([format!("extractplanes=y,crop={width}:{height}:{x}:{y}")]);
    // `-vsync` is gone in 9.0, `-fps_mode` came with 5.1.
    let name = if (found.version.major, found.version.minor) >= (5, 1) {
        "-fps_mode"
    } else {
        "-vsync"
    };
    args.add([name, "passthrough", "-f", "rawvideo", "pipe:1"]);
    args
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffmpeg::Version;

    #[test]
    fn the_usual_commands_stay_the_usual_ones() {
        let fps = Fps::whole(30);
        let transcoder = transcoder(
            "rtsp://127.0.0.1:8554/pd_main",
            "rtsp://u:secret@127.0.0.1:8554/pd_out",
            "rtsp://u:***@127.0.0.1:8554/pd_out",
            3000,
            fps,
        );
        assert_eq!(
            transcoder.command_line("ffmpeg"),
            "ffmpeg -hide_banner -nostdin -nostats -loglevel warning -rtsp_transport tcp \
             -i rtsp://127.0.0.1:8554/pd_main -c:v libx264 -preset ultrafast -tune zerolatency \
             -profile:v baseline -pix_fmt yuv420p -b:v 3000k -g 30 -c:a libopus -f rtsp \
             -rtsp_transport tcp 'rtsp://u:***@127.0.0.1:8554/pd_out'"
        );
        assert!(transcoder.real().join(" ").contains("u:secret@"));
        let to = SrtOutput {
            url: "srt://127.0.0.1:8890?mode=caller&latency=120000".into(),
            stream_id: "publish:pd_main:u:secret".into(),
            stream_id_shown: "publish:pd_main:u:***".into(),
            passphrase: String::new(),
        };
        let naive = naive(&AudioInput::Pipe(3), Size::new(1280, 720), fps, 3000, &to);
        assert_eq!(
            naive.command_line("ffmpeg"),
            "ffmpeg -hide_banner -nostdin -nostats -loglevel warning -f rawvideo -pix_fmt bgra \
             -video_size 1280x720 -framerate 30/1 -i pipe:0 -f s16le -ar 48000 -ac 2 -i pipe:3 \
             -map 0:v -map 1:a -c:v libx264 -preset ultrafast -tune zerolatency -profile:v baseline \
             -pix_fmt yuv420p -b:v 3000k -g 30 -maxrate 3000k -bufsize 1500k -c:a libopus -f mpegts \
             -srt_streamid 'publish:pd_main:u:***' 'srt://127.0.0.1:8890?mode=caller&latency=120000'"
        );
    }

    #[test]
    fn the_decoder_neither_repeats_nor_leaves_out_a_picture_on_any_version() {
        let of = |major, minor| {
            let found = Capabilities::of_version(Version { major, minor });
            number_reader(Size::new(1280, 720), &found).command_line("ffmpeg")
        };
        assert!(of(4, 4).contains("-vsync passthrough"));
        for (major, minor) in [(5, 1), (7, 0), (9, 0)] {
            let line = of(major, minor);
            assert!(line.contains("-fps_mode passthrough"), "{line}");
            assert!(line.contains("crop=1280:40:0:680"), "{line}");
        }
    }
}
