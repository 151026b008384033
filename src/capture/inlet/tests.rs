use super::*;
use crate::capture::copy::PixelFormat;

fn inlet(slot: &FrameSlot) -> Inlet {
    Inlet::new(slot, "Monitor A", Copier::new(None))
}

fn picture(bytes: &[u8], size: Size) -> Lent<'_> {
    Lent {
        bytes,
        stride: size.width as usize * 4,
        size,
        format: PixelFormat::Bgrx,
    }
}

#[test]
fn b04_a_picture_of_another_size_is_told() {
    let slot = FrameSlot::new();
    let inlet = inlet(&slot);
    let bytes = vec![7; 4 * 64];
    for (size, label) in [
        (Size::new(8, 8), "Monitor A, 8x8"),
        (Size::new(4, 6), "Monitor A, 4x6"),
    ] {
        assert!(inlet.guard(|| inlet.put(&picture(&bytes, size), MonoTime::from_micros(5))));
        assert_eq!(slot.take().unwrap().size, size);
        assert_eq!(slot.last_note().label.as_deref(), Some(label));
    }
}

#[test]
fn b05_the_callbacks_first_error_and_its_panic_end_the_source() {
    let slot = FrameSlot::new();
    let (inlet, stop) = (inlet(&slot), StopToken::new());
    assert!(!inlet.guard(|| inlet.put(&picture(&[0; 4], Size::new(8, 8)), MonoTime::ZERO)));
    inlet.end(CaptureError::Lost("later".into()));
    let ended = inlet.watch(&stop, || Ok(false)).unwrap_err();
    assert!(ended.to_string().contains("does not hold 8x8"), "{ended}");

    assert!(!inlet.guard(|| panic!("in a callback")));
    let ended = inlet.watch(&stop, || Ok(false)).unwrap_err();
    assert!(matches!(ended, CaptureError::Lost(_)), "{ended}");
}

#[test]
fn b06_a_still_screen_gives_signs_of_life() {
    let slot = FrameSlot::new();
    let (inlet, stop) = (inlet(&slot), StopToken::new());
    let began = clock::now();
    let mut beats = Vec::new();
    let ended = inlet.watch(&stop, || {
        beats.push(slot.last_beat());
        Ok(beats.len() == 4)
    });
    assert_eq!(ended.unwrap(), Watched::Stale);
    // The fourth look comes 1.5 s after the first, the beats before it half a second apart.
    assert!(clock::now().since(began) < Duration::from_secs(4));
    let apart = beats[3].unwrap().since(beats[2].unwrap());
    assert!(apart >= Duration::from_millis(450), "{apart:?}");
    assert!(slot.put_count() == 0);
}

#[test]
fn the_stop_ends_the_watch_at_once() {
    let slot = FrameSlot::new();
    let (inlet, stop) = (inlet(&slot), StopToken::new());
    let (other, began) = (stop.clone(), Instant::now());
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        other.stop();
    });
    assert_eq!(inlet.watch(&stop, || Ok(false)).unwrap(), Watched::Stopped);
    assert!(began.elapsed() < Duration::from_millis(300));
    stopper.join().unwrap();
    inlet.stale();
    let watched = inlet.watch(&StopToken::new(), || Ok(false)).unwrap();
    assert_eq!(watched, Watched::Stale);
}

#[test]
fn work_that_hangs_is_given_up_with_signs_of_life_and_its_late_result_is_dropped() {
    struct TellsDrop(crossbeam_channel::Sender<()>);
    impl Drop for TellsDrop {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (slot, stop) = (FrameSlot::new(), StopToken::new());
    let (dropped, told) = bounded(1);
    let (release, held) = bounded::<()>(0);
    let hanging = within(
        Duration::from_millis(120),
        "pd-test-start",
        &slot,
        &stop,
        move || {
            let _ = held.recv();
            TellsDrop(dropped)
        },
    );
    let error = hanging.err().unwrap().to_string();
    assert!(error.contains("does not answer (pd-test-start)"), "{error}");
    assert!(slot.last_beat().is_some());
    assert!(told.try_recv().is_err());
    release.send(()).unwrap();
    told.recv_timeout(Duration::from_secs(10)).unwrap();

    let short = Duration::from_secs(30);
    let good = within(short, "pd-test", &slot, &stop, || 5).unwrap();
    assert_eq!(good, Some(5));
    let bad = within(short, "pd-test", &slot, &stop, || -> u8 {
        panic!("inside")
    });
    assert!(bad.unwrap_err().to_string().contains("failed inside"));
    stop.stop();
    let (_keep, held) = bounded::<()>(0);
    let cut = within(short, "pd-test", &slot, &stop, move || held.recv().is_ok());
    assert_eq!(cut.unwrap(), None);
}
