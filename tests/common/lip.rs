//! Lip sync, measured on decoded pictures and sound: the test pattern flashes when the beep sounds.

use super::sound;
use super::stream::Stream;
use pd_console::capture::pattern::{LAMP_OFF, LAMP_STEP, lamp};
use pd_console::units::Size;

/// How long a beep and a flash last, s.
const LONG_S: f64 = 0.1;

/// When the flashes were, by the lamp in the pictures: where the first picture of one came after
/// the whole second, its grey tells by how much.
pub fn flashes(stream: &Stream, size: Size) -> Vec<f64> {
    let rect = lamp(size);
    let crop = format!("{}:{}:{}:{}", rect.width, rect.height, rect.x, rect.y);
    let (grey, complaints) = stream.decode(&format!(
        "-map 0:v -vf crop={crop},format=gray,settb=1/1000,setpts=N -fps_mode passthrough -enc_time_base 1:1000 \
         -f rawvideo"
    ));
    assert_eq!(complaints, "");
    let times = stream.frames("v:0");
    let pixels = (rect.width * rect.height) as usize;
    assert_eq!(grey.len(), times.len() * pixels, "a picture without a time");
    let means: Vec<f64> = grey
        .chunks_exact(pixels)
        .map(|picture| picture.iter().map(|p| f64::from(*p)).sum::<f64>() / pixels as f64)
        .collect();
    // Decoders differ in what they make of the range: the lamp's own off and on are the scale.
    let bottom = means.iter().fold(f64::INFINITY, |a, b| a.min(*b));
    let top = means.iter().fold(0.0_f64, |a, b| a.max(*b));
    let scale = (255.0 - f64::from(LAMP_OFF)) / (top - bottom);
    println!("lamp from {bottom:.1} to {top:.1}");
    let lamp = means
        .iter()
        .map(|mean| f64::from(LAMP_OFF) + (mean - bottom) * scale);
    let lamp: Vec<f64> = lamp.collect();
    let off = f64::from(LAMP_OFF) + 24.0;
    let on = |k: usize| lamp[k] > off && lamp[k - 1] <= off;
    (1..lamp.len())
        .filter(|k| on(*k))
        .map(|k| times[k].0 - (255.0 - lamp[k]) / f64::from(LAMP_STEP) / 1e3)
        .collect()
}

/// When the beeps began: half a beep before the middle of their power, which a coder's smear to both
/// sides does not move.
fn beeps(stream: &Stream) -> Vec<f64> {
    let (pcm, complaints) = stream.decode("-map 0:a -c:a pcm_s16le -f s16le");
    assert_eq!(complaints, "");
    let left = sound::channel(&pcm, 0);
    let mut times = Vec::with_capacity(left.len());
    for (pts_s, samples) in stream.frames("a:0") {
        times.extend((0..samples).map(|k| pts_s + k as f64 / 48_000.0));
    }
    assert_eq!(times.len(), left.len(), "samples without a time");
    let mut beeps = Vec::new();
    let mut k = 0;
    while k < left.len() {
        if left[k].abs() < 0.05 {
            k += 1;
            continue;
        }
        // From 50 ms before the first loud sample to 200 ms after it.
        let part = k.saturating_sub(2_400)..(k + 9_600).min(left.len());
        let whole = part.len() == 12_000;
        let (mut sum, mut moment) = (0.0, 0.0);
        for at in part.clone() {
            let power = left[at] * left[at];
            sum += power;
            moment += power * times[at];
        }
        if whole {
            beeps.push(moment / sum - LONG_S / 2.0);
        }
        k = part.end;
    }
    beeps
}

/// Sound minus picture, ms, of each second that has both, oldest first.
pub fn offsets(stream: &Stream, size: Size) -> Vec<f64> {
    let (flashes, beeps) = (flashes(stream, size), beeps(stream));
    let near = |flash: &f64| {
        let all = beeps.iter().map(|beep| beep - flash);
        all.min_by(|a, b| a.abs().total_cmp(&b.abs()))
    };
    flashes
        .iter()
        .filter_map(|flash| near(flash).filter(|off| off.abs() < 0.4))
        .map(|off| off * 1e3)
        .collect()
}

/// The value in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
