//! A desktop's side of PipeWire, as the test wants each picture: its time, the padding of its rows,
//! the part of the buffer that is picture, its faults.

// The header is written through PipeWire's own pointers.
#![allow(unsafe_code)]

use crossbeam_channel::{Receiver, bounded};
use pipewire::buffer::Buffer;
use pipewire::channel::Sender;
use pipewire::context::ContextBox;
use pipewire::core::CoreBox;
use pipewire::main_loop::MainLoopBox;
use pipewire::properties::properties;
use pipewire::spa::buffer::meta::{MetaHeader, MetaVideoCrop};
use pipewire::spa::param::ParamType;
use pipewire::spa::param::format::{FormatProperties, MediaSubtype, MediaType};
use pipewire::spa::param::video::VideoFormat;
use pipewire::spa::pod::serialize::PodSerializer;
use pipewire::spa::pod::{Object, Pod, Property, Value, object, property};
use pipewire::spa::sys as spa_sys;
use pipewire::spa::utils::{Direction, Fraction, Id, Rectangle, SpaTypes};
use pipewire::stream::{Stream, StreamBox, StreamFlags, StreamState};
use std::cell::Cell;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes after each row, filled with magenta.
const PADDING: u32 = 40;

/// A picture of one colour, as it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Picture {
    /// 0xRRGGBB.
    pub rgb: u32,
    /// How long ago its header says that it was made; None gives the header no time.
    pub age: Option<Duration>,
    /// The part that is picture, the rest of the buffer being magenta: x, y, width, height.
    pub crop: Option<[u32; 4]>,
    /// Whether its chunk is marked corrupted.
    pub is_corrupted: bool,
    /// Whether its chunk is empty, as where only the pointer moved.
    pub is_empty: bool,
}

/// A good picture of this colour.
pub fn picture(rgb: u32) -> Picture {
    Picture {
        rgb,
        age: None,
        crop: None,
        is_corrupted: false,
        is_empty: false,
    }
}

enum Order {
    Draw(Picture),
    Resize(u32, u32),
    Quit,
}

/// The screen; ends with its holder.
pub struct Screen {
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
    streaming: Receiver<()>,
    drawn: Receiver<bool>,
    /// Its PipeWire node.
    pub node: u32,
}

impl Screen {
    pub fn start(socket: PathBuf, width: u32, height: u32) -> Self {
        let (orders, inbox) = pipewire::channel::channel();
        let (tell_node, node) = bounded(8);
        let (tell_streaming, streaming) = bounded(8);
        let (tell_drawn, drawn) = bounded(8);
        let thread = std::thread::spawn(move || {
            let main_loop = MainLoopBox::new(None).unwrap();
            let context = ContextBox::new(main_loop.loop_(), None).unwrap();
            let remote = UnixStream::connect(socket).unwrap();
            let core: CoreBox<'_> = context.connect_fd(remote.into(), None).unwrap();
            let props = properties! {
                "media.class" => "Video/Source",
                "node.name" => "pd-screen",
            };
            let stream = StreamBox::new(&core, "pd-screen", props).unwrap();
            let size = Rc::new(Cell::new((width, height)));
            let of_format = size.clone();
            let _listener = stream
                .add_local_listener_with_user_data(())
                .state_changed(move |stream, (), _, state| match state {
                    StreamState::Paused => drop(tell_node.try_send(stream.node_id())),
                    StreamState::Streaming => drop(tell_streaming.try_send(())),
                    _ => {}
                })
                .param_changed(move |stream, (), id, param| {
                    if id == ParamType::Format.as_raw() && param.is_some() {
                        set(stream, &ours(of_format.get()));
                    }
                })
                .register()
                .unwrap();
            let offer = format(width, height);
            stream
                .connect(
                    Direction::Output,
                    None,
                    StreamFlags::DRIVER | StreamFlags::MAP_BUFFERS,
                    &mut [Pod::from_bytes(&offer).unwrap()],
                )
                .unwrap();
            // Orders are followed between two rounds: the stream is not to be had in a callback.
            let queue = Rc::new(std::cell::RefCell::new(Vec::new()));
            let into = queue.clone();
            let _inbox = inbox.attach(main_loop.loop_(), move |order| {
                into.borrow_mut().push(order)
            });
            loop {
                let wait = pipewire::loop_::Timeout::Finite(Duration::from_millis(100));
                main_loop.loop_().iterate(wait);
                for order in queue.take() {
                    match order {
                        Order::Quit => return,
                        Order::Resize(width, height) => {
                            size.set((width, height));
                            set(&stream, &[format(width, height)]);
                        }
                        Order::Draw(picture) => {
                            let buffer = stream.dequeue_buffer();
                            let has = buffer.is_some();
                            if let Some(mut buffer) = buffer {
                                draw(&mut buffer, size.get(), picture);
                            }
                            let _ = tell_drawn.try_send(has);
                        }
                    }
                }
            }
        });
        let node = node.recv_timeout(Duration::from_secs(10)).unwrap();
        Self {
            orders,
            thread: Some(thread),
            streaming,
            drawn,
            node,
        }
    }

    /// Waits until someone watches; anew after each change of size.
    pub fn wait_for_watcher(&self) {
        self.streaming
            .recv_timeout(Duration::from_secs(10))
            .unwrap();
    }

    /// Sends a picture; whether there was a buffer for it.
    pub fn draw(&self, picture: Picture) -> bool {
        assert!(self.orders.send(Order::Draw(picture)).is_ok());
        self.drawn.recv_timeout(Duration::from_secs(10)).unwrap()
    }

    pub fn resize(&self, width: u32, height: u32) {
        assert!(self.orders.send(Order::Resize(width, height)).is_ok());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Quit);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn stride(width: u32) -> u32 {
    width * 4 + PADDING
}

fn draw(buffer: &mut Buffer<'_>, (width, height): (u32, u32), picture: Picture) {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let now_ns = clock.tv_sec * 1_000_000_000 + clock.tv_nsec;
    let pts = picture
        .age
        .map_or(-1, |age| now_ns - i64::try_from(age.as_nanos()).unwrap());
    let header = buffer.find_meta::<MetaHeader>().expect("a header");
    let header = std::ptr::from_ref(header.as_raw()).cast_mut();
    // SAFETY: the buffer is ours until it is queued, and its metadata lie in writable memory.
    unsafe {
        (*header).pts = pts;
        (*header).flags = 0;
    }
    let crop = picture.crop.unwrap_or([0, 0, width, height]);
    let meta = buffer.find_meta::<MetaVideoCrop>().expect("a crop");
    let region = std::ptr::from_ref(meta.meta_region().as_raw()).cast_mut();
    // SAFETY: as above.
    unsafe {
        (*region).region.position.x = crop[0] as i32;
        (*region).region.position.y = crop[1] as i32;
        (*region).region.size.width = crop[2];
        (*region).region.size.height = crop[3];
    }
    let data = &mut buffer.datas_mut()[0];
    let stride = stride(width);
    let [_, r, g, b] = picture.rgb.to_be_bytes();
    let bytes = data.data().expect("mapped memory");
    for (at, pixel) in bytes.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let at = at as u32;
        let (x, y) = (at % (stride / 4), at / (stride / 4));
        let is_picture =
            (crop[0]..crop[0] + crop[2]).contains(&x) && (crop[1]..crop[1] + crop[3]).contains(&y);
        *pixel = if is_picture {
            [b, g, r, 0]
        } else {
            [255, 0, 255, 0]
        };
    }
    let chunk = data.chunk_mut();
    *chunk.offset_mut() = 0;
    *chunk.stride_mut() = stride as i32;
    *chunk.size_mut() = if picture.is_empty { 0 } else { stride * height };
    let chunk = std::ptr::from_ref(chunk.as_raw()).cast_mut();
    // SAFETY: as above.
    unsafe {
        (*chunk).flags = i32::from(picture.is_corrupted);
    }
}

fn set(stream: &Stream, pods: &[Vec<u8>]) {
    let mut pods: Vec<&Pod> = pods.iter().map(|p| Pod::from_bytes(p).unwrap()).collect();
    stream.update_params(&mut pods).unwrap();
}

fn bytes(object: Object) -> Vec<u8> {
    PodSerializer::serialize(std::io::Cursor::new(Vec::new()), &Value::Object(object))
        .unwrap()
        .0
        .into_inner()
}

/// As compositors offer it: pictures as they change.
fn format(width: u32, height: u32) -> Vec<u8> {
    bytes(object!(
        SpaTypes::ObjectParamFormat,
        ParamType::EnumFormat,
        property!(FormatProperties::MediaType, Id, MediaType::Video),
        property!(FormatProperties::MediaSubtype, Id, MediaSubtype::Raw),
        property!(FormatProperties::VideoFormat, Id, VideoFormat::BGRx),
        property!(
            FormatProperties::VideoSize,
            Rectangle,
            Rectangle { width, height }
        ),
        property!(
            FormatProperties::VideoFramerate,
            Fraction,
            Fraction { num: 0, denom: 1 }
        ),
        property!(
            FormatProperties::VideoMaxFramerate,
            Choice,
            Range,
            Fraction,
            Fraction { num: 60, denom: 1 },
            Fraction { num: 1, denom: 1 },
            Fraction { num: 60, denom: 1 }
        ),
    ))
}

fn ours((width, height): (u32, u32)) -> [Vec<u8>; 3] {
    let int = |value: u32| Value::Int(value as i32);
    let object = |kind: SpaTypes, id: ParamType, properties| {
        bytes(Object {
            type_: kind.as_raw(),
            id: id.as_raw(),
            properties,
        })
    };
    let meta = |kind: u32, size: usize| {
        let properties = vec![
            Property::new(spa_sys::SPA_PARAM_META_type, Value::Id(Id(kind))),
            Property::new(spa_sys::SPA_PARAM_META_size, int(size as u32)),
        ];
        object(SpaTypes::ObjectParamMeta, ParamType::Meta, properties)
    };
    let buffers = vec![
        Property::new(spa_sys::SPA_PARAM_BUFFERS_buffers, int(5)),
        Property::new(spa_sys::SPA_PARAM_BUFFERS_blocks, int(1)),
        Property::new(spa_sys::SPA_PARAM_BUFFERS_size, int(stride(width) * height)),
        Property::new(spa_sys::SPA_PARAM_BUFFERS_stride, int(stride(width))),
        Property::new(
            spa_sys::SPA_PARAM_BUFFERS_dataType,
            int(1 << spa_sys::SPA_DATA_MemFd),
        ),
    ];
    [
        object(SpaTypes::ObjectParamBuffers, ParamType::Buffers, buffers),
        meta(
            spa_sys::SPA_META_Header,
            size_of::<spa_sys::spa_meta_header>(),
        ),
        meta(
            spa_sys::SPA_META_VideoCrop,
            size_of::<spa_sys::spa_meta_region>(),
        ),
    ]
}
