//! Requests about the program itself.

use super::{Answer, Answered, DONE, Desk, Execution, Request, done, names, refused};
use crate::remote::protocol::{
    self, OBS_STUDIO_VERSION, OBS_WEBSOCKET_VERSION, RPC_VERSION, Status, subscription,
};
use serde_json::json;
use std::time::Duration;

pub(super) fn version(_: Request<'_>, _: &mut Desk<'_>) -> Answered {
    let system =
        sysinfo::System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned());
    done(json!({
        "obsVersion": OBS_STUDIO_VERSION,
        "obsWebSocketVersion": OBS_WEBSOCKET_VERSION,
        "rpcVersion": RPC_VERSION,
        "availableRequests": names().collect::<Vec<_>>(),
        "supportedImageFormats": ["png"],
        "platform": std::env::consts::OS,
        "platformDescription": format!("PD console {} on {system}", env!("CARGO_PKG_VERSION")),
    }))
}

pub(super) fn stats(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let (cpu_percent, memory_mib) = desk.load.look(desk.console, desk.now);
    let snapshot = &desk.snapshot;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let drops = snapshot.drops;
    let (incoming, outgoing) = desk.messages;
    done(json!({
        // As OBS has it: of all cores.
        "cpuUsage": cpu_percent / cores as f64,
        "memoryUsage": memory_mib,
        "availableDiskSpace": snapshot.recording.free_bytes.or_else(room).map_or(0.0, mib),
        "activeFps": snapshot
            .measured_fps
            .unwrap_or_else(|| snapshot.settings.video.fps.as_f64()),
        // What the console itself spends on a picture.
        "averageFrameRenderTime": snapshot.latency.own.map_or(0.0, |own| own.p50_ms),
        "renderSkippedFrames": drops.capture,
        "renderTotalFrames": snapshot.frames + drops.capture,
        "outputSkippedFrames": drops.encoder + drops.network,
        "outputTotalFrames": snapshot.frames,
        "webSocketSessionIncomingMessages": incoming,
        "webSocketSessionOutgoingMessages": outgoing,
    }))
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Room where recordings go by themselves. While one runs its own disk is known and this is not asked.
fn room() -> Option<u64> {
    let folder = crate::record::name::videos_folder()?;
    // It is made with the first recording.
    let there = folder.ancestors().find(|folder| folder.is_dir())?;
    fs4::available_space(there).ok()
}

pub(super) fn video(_: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let video = &desk.snapshot.settings.video;
    let wish = desk.snapshot.encoding.wish;
    let (size, fps) = wish.map_or((video.size, video.fps), |wish| (wish.size, wish.fps));
    done(json!({
        "fpsNumerator": fps.num,
        "fpsDenominator": fps.den,
        "baseWidth": video.size.width,
        "baseHeight": video.size.height,
        "outputWidth": size.width,
        "outputHeight": size.height,
    }))
}

pub(super) fn broadcast(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    let data = request.data.object("eventData")?;
    let event = protocol::event("CustomEvent", subscription::GENERAL, Some(data.clone()));
    desk.told.push(event);
    DONE
}

pub(super) fn sleep(request: Request<'_>, desk: &mut Desk<'_>) -> Answered {
    Ok(Answer::After(match request.execution {
        Execution::SerialRealtime => {
            let ms = request.data.number("sleepMillis", 0.0, 50_000.0)?;
            Duration::from_secs_f64(ms / 1000.0)
        }
        Execution::SerialFrame => {
            let frames = request.data.number("sleepFrames", 0.0, 10_000.0)?;
            let fps = desk.snapshot.settings.video.fps.as_f64();
            Duration::from_secs_f64((frames / fps.max(1.0)).min(600.0))
        }
        Execution::None => {
            let why = "Sleep is for batches";
            return Err(refused(Status::UnsupportedRequestBatchExecutionType, why));
        }
    }))
}
